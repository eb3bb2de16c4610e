/** How many bytes a number below 2 to the 32nd takes as protobuf has it. */
export function numberLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}

/** Writes such a number: seven bits a byte, the lowest first. Returns where it ends. */
export function writeNumber(bytes: Buffer, value: number, at: number): number {
  let rest = value;
  let end = at;
  while (rest > 0x7f) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}
