import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export interface SqlText {
  /** The file that has it. */
  readonly file: string
  /** The SQL, with `$0` for each value. */
  readonly text: string
}

/** All SQL of migrations and of `src` that a server can receive; the embedded database's own upkeep stays in the process. */
export function sqlTexts(): readonly SqlText[] {
  return [...filesOf('prisma/migrations', '.sql').map((file) => ({ file, text: read(file) })), ...statements()]
}

export const filesOf = (folder: string, end: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith(end))

const read = (file: string) => readFileSync(file, 'utf8')

/** A text that is not tagged is SQL if it begins like this. */
const beginsAsSql =
  /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|SET|LISTEN|NOTIFY|UNLISTEN|BEGIN|COMMIT|ROLLBACK|LOCK|TRUNCATE|GRANT|COPY|VACUUM|ANALYZE)\b|^\(\s*"\w+" [A-Z]/

interface Fragment {
  readonly file: string
  /** The name of the constant or function whose value has the fragment; '' without one. */
  readonly name: string
  readonly parts: readonly string[]
  /** The names of its values, as far as they are names or calls; '' for others. */
  readonly values: readonly string[]
}

/** Every statement, and every part of one, with the named parts that it contains in their places. */
function statements(): readonly SqlText[] {
  const files = filesOf('src/adapters', '.ts').filter((file) => !/prisma.generated|embedded/.test(file))
  const fragments = files.flatMap(fragmentsOf)
  const whole = ({ file, parts, values }: Fragment, within: readonly Fragment[]): string =>
    parts.reduce((text, part, i) => `${text} ${partNamed(values[i - 1] ?? '', file, within)} ${part}`)

  function partNamed(name: string, file: string, within: readonly Fragment[]): string {
    const named = fragments.filter((fragment) => name !== '' && fragment.name === name && !within.includes(fragment))
    const near = named.filter((fragment) => fragment.file === file)
    const isImported = new RegExp(`^import \\{[^}]*\\b${name}\\b`, 'm').test(read(file))
    const meant = near.length > 0 || !isImported ? near : named
    return meant.length === 0 ? '$0' : meant.map((fragment) => whole(fragment, [...within, fragment])).join(' ')
  }

  return fragments.map((fragment) => ({ file: fragment.file, text: whole(fragment, [fragment]) }))
}

function fragmentsOf(file: string): readonly Fragment[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
  const found: Fragment[] = []

  function visit(node: ts.Node, name: string): void {
    const own = nameOf(node) ?? name
    if (ts.isTaggedTemplateExpression(node)) found.push({ file, name: own, ...contentOf(node.template) })
    else if (
      isText(node) &&
      !ts.isTaggedTemplateExpression(node.parent) &&
      beginsAsSql.test(contentOf(node).parts[0] ?? '')
    )
      found.push({ file, name: own, ...contentOf(node) })
    ts.forEachChild(node, (child) => visit(child, own))
  }
  visit(source, '')
  return found
}

const isText = (node: ts.Node) => ts.isStringLiteral(node) || ts.isTemplateLiteral(node)

function contentOf(text: ts.StringLiteral | ts.TemplateLiteral): Pick<Fragment, 'parts' | 'values'> {
  if (!ts.isTemplateExpression(text)) return { parts: [text.text], values: [] }
  return {
    parts: [text.head.text, ...text.templateSpans.map(({ literal }) => literal.text)],
    values: text.templateSpans.map(({ expression }) => {
      const named = ts.isCallExpression(expression) ? expression.expression : expression
      return ts.isIdentifier(named) ? named.text : ''
    })
  }
}

function nameOf(node: ts.Node): string | undefined {
  const isNamed = ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)
  return isNamed && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : undefined
}

/**
 * The words of PostgreSQL in a text: keywords in capitals, types, functions and operators. Names of tables and columns are
 * none, except those that are keywords too. Migrations quote names, so each of their words counts.
 */
export function wordsOf({ file, text }: SqlText, keywords: ReadonlySet<string>): readonly string[] {
  const code = text
    .replace(/--.*$/gm, ' ')
    .replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, ' _ ')
    .replace(/\$\w*/g, ' ')
  const isOfPostgres = (word: string) =>
    file.endsWith('.sql') || /^(?:[A-Z]{2}|pg_)/.test(word) || keywords.has(word.toLowerCase())
  return [
    ...[...code.matchAll(/[A-Za-z]\w*/g)]
      .map(([word]) => word)
      .filter(isOfPostgres)
      .map((word) => word.toUpperCase()),
    ...[...code.matchAll(/([a-z]\w*)\(/g)].map(([, name]) => `${name}()`),
    ...[...code.matchAll(/::\s*([a-z]\w*)/g)].map(([, type]) => `::${type}`),
    ...[...code.matchAll(/[-+*/<>=~!@#%^&|?]+|\[\]/g)].map(([operator]) => operator)
  ]
}
