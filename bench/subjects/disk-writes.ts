import { measureWrites } from "../store-writes.ts";

// Durable writes in a process of their own, whose disk may be made to seem slower than it is.
const [, , rounds, writesATurn] = process.argv;
console.log(JSON.stringify(await measureWrites(Number(rounds), Number(writesATurn))));
