/**
 * A chain of operations of one client, one after the other, that hands its token on. It must never be used by two
 * operations at once, for then there is no order in which tokens could go back.
 */
export class ClientSession {
  readonly name: string;
  /** An operation of it is under way. */
  busy = false;
  /** The token of the last operation, null before the first. */
  token: string | null = null;
  /** The index that the token stands for. */
  index = 0;

  constructor(name: string) {
    this.name = name;
  }
}
