import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** One export of one of the package's entry points, and its docstring. */
export interface PublicExport {
  /** The import path, such as `latchkey/client`. */
  readonly entryPoint: string
  readonly name: string
  /** Whether it exists at run time: a function, a class or a constant. */
  readonly isValue: boolean
  readonly documentation: string
  /** The code of each `@example`. */
  readonly examples: readonly string[]
}

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** The source file of each entry point that package.json exports. */
export const entryPoints = {
  latchkey: 'src/index.ts',
  'latchkey/verifier': 'src/verifier/index.ts',
  'latchkey/client': 'src/client/index.ts',
  'latchkey/client/axios': 'src/client/axios.ts',
  'latchkey/client/server': 'src/client/server/index.ts',
  'latchkey/testing': 'src/testing/index.ts'
} as const

/** Every export of the entry points, read from the sources: esbuild drops the comments. */
export function publicExports(): readonly PublicExport[] {
  const files = Object.values(entryPoints).map((path) => join(root, path))
  const options: ts.CompilerOptions = { noLib: true, types: [], target: ts.ScriptTarget.ES2022 }
  const program = ts.createProgram(files, options, sourcesOnly(options))
  const checker = program.getTypeChecker()
  return Object.entries(entryPoints).flatMap(([entryPoint, path]) => {
    const source = program.getSourceFile(join(root, path))
    const module = source && checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${path} is no module.`)
    return checker.getExportsOfModule(module).map((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      return {
        entryPoint,
        name: symbol.name,
        isValue: (target.flags & ts.SymbolFlags.Value) !== 0,
        documentation: ts.displayPartsToString(target.getDocumentationComment(checker)),
        examples: target
          .getJsDocTags(checker)
          .filter(({ name }) => name === 'example')
          .map(({ text }) => ts.displayPartsToString(text).replace(/^```ts\n|\n```$/g, ''))
      }
    })
  })
}

/** A host that resolves only relative imports: docstrings need no types of packages, and parsing those is slow. */
function sourcesOnly(options: ts.CompilerOptions): ts.CompilerHost {
  return {
    ...ts.createCompilerHost(options),
    resolveModuleNameLiterals: (literals, file) =>
      literals.map(({ text }) => ({
        resolvedModule: text.startsWith('.')
          ? { resolvedFileName: join(dirname(file), text.replace(/[.]js$/, '.ts')), extension: ts.Extension.Ts }
          : undefined
      }))
  }
}
