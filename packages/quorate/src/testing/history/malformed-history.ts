/**
 * A history that cannot be judged: unreadable text, or events that do not fit together. It must name the place and say
 * what was expected, for it is all that somebody with a file of their own gets to see.
 */

export class MalformedHistory extends Error {
  readonly code = 'MalformedHistory';
  /** Where, for instance `line 12`; null when it is the history as a whole. */
  readonly place: string | null;

  constructor(place: string | null, message: string) {
    super(place === null ? message : `${place}: ${message}`);
    this.name = 'MalformedHistory';
    this.place = place;
  }
}
