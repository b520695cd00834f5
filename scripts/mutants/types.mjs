/**
 * Whether a mutant compiles: one that does not is no mutant. It checks the files that were changed, not all that use
 * them, for the sake of time.
 */
import { join } from 'node:path';
import ts from 'typescript';

/** The first error of type in the files of the copy, null when there is none. */
export function typeError(copy, files) {
  const { config } = ts.readConfigFile(join(copy, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, copy);
  const configFilePath = join(copy, 'tsconfig.base.json');
  const settings = { ...options, configFilePath, composite: false, declaration: false, noEmit: true };
  const program = ts.createProgram(
    files.map((file) => join(copy, file)),
    settings,
  );
  for (const file of files) {
    const source = program.getSourceFile(join(copy, file));
    const [first] = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (first !== undefined) return `${file}: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`;
  }
  return null;
}
