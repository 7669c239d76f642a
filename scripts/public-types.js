// Leaves in dist the types that the package's exports need, and no others. They import no package but `fastify` and
// `axios`, which are the host's own, so they compile with the host's TypeScript. Part of `npm run build`.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { settingsSchema } from '../dist/config/schema.js'
import { reachableModules } from './modules.js'

const root = dirname(import.meta.dirname)
const packagesOfHosts = ['axios', 'fastify']
const settings = join('dist', 'config', 'schema.d.ts')

writeFileSync(join(root, settings), settingsAsInterface())

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(manifest.exports).flatMap(({ types }) => types ?? [])
const { modules, packages } = reachableModules(root, entries)
const foreign = packages.filter((name) => !packagesOfHosts.includes(name))
if (foreign.length > 0) throw new Error(`The package's types must not need ${foreign.join(', ')}.`)

const needed = new Set(modules)
for (const name of readdirSync(join(root, 'dist'), { recursive: true })) {
  const file = join('dist', name)
  if (file.endsWith('.d.ts') && !needed.has(file)) rmSync(join(root, file))
}

/** The type `Settings` is derived from TypeBox schemas. Writes down what it is, and what each setting does. */
function settingsAsInterface() {
  const source = join(root, 'src', 'config', 'schema.ts')
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const program = ts.createProgram([source], options)
  const checker = program.getTypeChecker()
  const alias = program.getSourceFile(source).statements.find((node) => node.name?.text === 'Settings')
  const members = checker.getTypeAtLocation(alias).getProperties()
  const lines = members.map((member) => {
    const isOptional = (member.flags & ts.SymbolFlags.Optional) !== 0
    const type = checker.typeToString(checker.getTypeOfSymbol(member), undefined, ts.TypeFormatFlags.NoTruncation)
    const { description } = settingsSchema.properties[member.name]
    return `    /** ${description} */\n    ${member.name}${isOptional ? '?' : ''}: ${type.replace(/ \| undefined$/, '')};`
  })
  return `export interface Settings {\n${lines.join('\n')}\n}\n`
}
