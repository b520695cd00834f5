/**
 * `npm run build`: installs and builds what is missing. The other scripts do the same first; this one does nothing
 * else.
 */
import { prepare } from './workspace.mjs';

prepare();
