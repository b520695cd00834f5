/**
 * A disk in memory that forgets like a real one: after a crash, what was not synced is lost, kept or torn, and names
 * that were not synced may be missing. One seed decides what happens. It must never be kinder than a real disk: nothing
 * is durable before the call that promises it has ended well.
 */
import { dirname } from 'node:path';
import { DirectoryLocked } from '../../errors/index.js';
import type { DirectoryLock, Disk, DiskFile } from '../../node/storage/disk.js';
import { type CrashMode, SimulatedFile } from './simulated-file.js';

/** An operation that changes something, or makes it durable. */
export interface DiskOperation {
  readonly kind:
    | 'write'
    | 'write-durably'
    | 'sync'
    | 'truncate'
    | 'create'
    | 'rename'
    | 'remove'
    | 'make-directory'
    | 'sync-directory';
  readonly path: string;
  /** Counts the operations of this disk from 1. */
  readonly number: number;
}

export interface SimulatedDiskOptions {
  /** [0, 1): decides what a crash leaves. */
  readonly random: () => number;
  /**
   * Called when an operation has taken its effect in memory and before it has any on the drive. What it throws, the
   * operation fails with; what it returns is waited for. Here a test looks at the disk, fails an operation, delays it,
   * or ends the machine.
   */
  readonly intercept?: ((operation: DiskOperation) => void | Promise<void>) | undefined;
}

/** A name that was given or taken away, and is not durable yet. */
interface NameChange {
  readonly directory: string;
  readonly names: readonly (readonly [path: string, file: SimulatedFile | null])[];
}

export class SimulatedDisk implements Disk {
  readonly #options: SimulatedDiskOptions;
  /** What programs see. */
  #names = new Map<string, SimulatedFile>();
  /** On the drive for certain. */
  #durableNames = new Map<string, SimulatedFile>();
  #changes: NameChange[] = [];
  #directories = new Set<string>(['/']);
  readonly #locks = new Set<string>();
  #operations = 0;
  #halted = false;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  /** Operations so far that changed something or made it durable, failed ones included. */
  get operations(): number {
    return this.#operations;
  }

  /** Paths of all files that programs see, sorted. */
  get files(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** Paths of the files that a loss of power at this moment would leave as they are. */
  get durableFiles(): readonly string[] {
    return [...this.#durableNames].flatMap(([path, file]) => (file.isDurable ? [path] : []));
  }

  /** Ends the machine: every operation under way and every later one fails, and has no effect. */
  halt(): void {
    this.#halted = true;
  }

  /** What is left after a loss of power at this moment, as a disk for the next start. This one goes on. */
  afterCrash(mode: CrashMode, options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
    const { random } = this.#options;
    const left = new SimulatedDisk({ random, ...options });
    const names = new Map(this.#durableNames);
    for (const change of this.#changes) {
      if (mode === 'kept' || (mode === 'torn' && random() < 1 / 2)) applyNames(names, change);
    }
    for (const [path, file] of names) {
      const kept = file.afterCrash(mode, random);
      kept.path = path;
      left.#names.set(path, kept);
    }
    left.#durableNames = new Map(left.#names);
    left.#directories = new Set(this.#directories);
    return left;
  }

  /** Ends the machine by a loss of power. */
  crash(mode: CrashMode, options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
    this.halt();
    return this.afterCrash(mode, options);
  }

  /** Ends the process, not the machine: the next one sees everything, and what was not durable still is not. */
  kill(options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
    this.halt();
    const left = new SimulatedDisk({ random: this.#options.random, ...options });
    left.#names = this.#names;
    left.#durableNames = this.#durableNames;
    left.#changes = this.#changes;
    left.#directories = this.#directories;
    return left;
  }

  /** Flips the bits of `mask` in one byte, on the drive and in memory. */
  damage(path: string, offset: number, mask: number): void {
    this.#file(path).damage(offset, mask);
  }

  /** Where the last byte of the file is that is not zero: a segment is made of zeros and filled from its start. */
  usedBytes(path: string): number {
    const file = this.#file(path);
    const bytes = file.read(0, file.size);
    let used = bytes.length;
    while (used > 0 && bytes[used - 1] === 0) used -= 1;
    return used;
  }

  /** The used bytes in front of the write that was made durable last: it was made in the belief that they are there. */
  reliedOnBytes(path: string): number {
    return Math.min(this.usedBytes(path), this.#file(path).lastDurableWrite);
  }

  async makeDirectory(path: string): Promise<void> {
    this.#assertRunning();
    for (let each = path; !this.#directories.has(each); each = dirname(each)) this.#directories.add(each);
    await this.#operation('make-directory', path);
  }

  async lock(path: string): Promise<DirectoryLock> {
    this.#assertRunning();
    if (this.#locks.has(path)) throw new DirectoryLocked(`the data directory ${path} is in use: stop its node`);
    this.#locks.add(path);
    return {
      release: async () => {
        this.#locks.delete(path);
      },
    };
  }

  async list(path: string): Promise<readonly string[]> {
    this.#assertRunning();
    if (!this.#directories.has(path)) throw systemError('ENOENT', path);
    const children = [...this.#names.keys(), ...this.#directories].filter(
      (each) => each !== '/' && dirname(each) === path,
    );
    return children.map((each) => each.slice(path === '/' ? 1 : path.length + 1)).sort();
  }

  async open(path: string, mode: 'create' | 'open' | 'read'): Promise<DiskFile> {
    this.#assertRunning();
    if (mode !== 'create') return this.#handle(this.#file(path));
    if (!this.#directories.has(dirname(path))) throw systemError('ENOENT', path);
    const existing = this.#names.get(path);
    const file = existing ?? new SimulatedFile(path);
    if (existing === undefined) this.#rename([[path, file]]);
    else existing.truncate(0);
    await this.#operation('create', path);
    return this.#handle(file);
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    this.#assertRunning();
    const file = this.#names.get(path);
    return file === undefined ? null : file.read(0, file.size);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#assertRunning();
    const file = this.#file(from);
    this.#rename([
      [from, null],
      [to, file],
    ]);
    file.path = to;
    await this.#operation('rename', to);
  }

  async remove(path: string): Promise<void> {
    this.#assertRunning();
    this.#file(path);
    this.#rename([[path, null]]);
    await this.#operation('remove', path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#assertRunning();
    const changes = [...this.#changes];
    await this.#operation('sync-directory', path);
    for (const change of changes) if (change.directory === path) applyNames(this.#durableNames, change);
    this.#changes = this.#changes.filter((change) => change.directory !== path || !changes.includes(change));
  }

  #rename(names: NameChange['names']): void {
    const change = { directory: dirname((names[0] as readonly [string, unknown])[0]), names };
    applyNames(this.#names, change);
    this.#changes.push(change);
  }

  #file(path: string): SimulatedFile {
    const file = this.#names.get(path);
    if (file === undefined) throw systemError('ENOENT', path);
    return file;
  }

  #handle(file: SimulatedFile): DiskFile {
    let closed = false;
    const assertOpen = () => {
      this.#assertRunning();
      if (closed) throw systemError('EBADF', file.path);
    };
    return {
      write: async (data, position) => {
        assertOpen();
        const { settle } = file.write(data, position);
        await this.#operation('write', file.path, () => settle('forgotten'));
      },
      writeDurably: async (data, position) => {
        assertOpen();
        const { settle } = file.write(data, position);
        await this.#operation('write-durably', file.path, () => settle('forgotten'));
        settle('durable');
      },
      sync: async () => {
        assertOpen();
        await this.#operation('sync', file.path, () => file.sync('forgotten'));
        file.sync('durable');
      },
      read: async (position, length) => {
        assertOpen();
        return file.read(position, length);
      },
      size: async () => {
        assertOpen();
        return file.size;
      },
      truncate: async (size) => {
        assertOpen();
        file.truncate(size);
        await this.#operation('truncate', file.path);
      },
      close: async () => {
        closed = true;
      },
    };
  }

  /** `forget`: what the system does with its pages when the operation fails. */
  async #operation(kind: DiskOperation['kind'], path: string, forget: () => void = () => {}): Promise<void> {
    this.#operations += 1;
    try {
      await this.#options.intercept?.({ kind, path, number: this.#operations });
    } catch (error) {
      forget();
      throw error;
    }
    this.#assertRunning();
  }

  #assertRunning(): void {
    if (this.#halted) throw systemError('EIO', 'the machine has stopped');
  }
}

function applyNames(map: Map<string, SimulatedFile>, { names }: NameChange): void {
  for (const [path, file] of names) {
    if (file === null) map.delete(path);
    else map.set(path, file);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
