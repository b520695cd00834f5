/**
 * `lmdb` writes what it says of a failed write past the end of its buffer, and the C library may end the process for it
 * (docs/decisions/0006): a node whose state cannot be written then ends by a signal, without a word of its own. Where
 * tests let writes fail this has to be told from every other end, and it must never pass for one.
 */
const OF_LMDB = /Write error: [^\n]* position \d+, size \d+/;
const OF_THE_C_LIBRARY = /(malloc|realloc|free)\(\): |double free|corrupt|munmap_chunk/;

/** Whether a process that a signal ended did so inside `lmdb`, by what it wrote to standard error. */
export function endedInsideLmdb(code: number | null, words: string): boolean {
  return code === null && OF_LMDB.test(words) && OF_THE_C_LIBRARY.test(words);
}
