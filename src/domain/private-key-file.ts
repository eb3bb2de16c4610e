/** What nobody but the owner may do with a private key, but for the group's reading, as Kubernetes grants it. */
const openToOthers = 0o037;

/** What is wrong with a private key's file, and the fix; continues its name. */
export const openKeyRule =
  "is a private key that others can read or change; take that right away with chmod g-wx,o-rwx";

/** Whether others than a private key's owner and its group's readers can do something with it. @param mode its file's */
export function isOpenToOthers(mode: number): boolean {
  return (mode & openToOthers) !== 0;
}
