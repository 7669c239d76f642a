import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readTemplates } from '../src/adapters/mail/templates/template-folder.js'
import { placeholdersOf } from '../src/adapters/mail/templates/values.js'
import { type MailKind, mailKinds } from '../src/core/mail.js'
import { commandLine } from './support/cli/command-line.js'

const page = await readFile(new URL('../../docs/mail-templates.md', import.meta.url), 'utf8')
const snippet = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''

t.test('docs/mail-templates.md has a row for each mail, with its placeholders', async (t) => {
  for (const kind of Object.keys(mailKinds) as MailKind[]) {
    const [, row = ''] = new RegExp(`^\\| \`${kind}\` \\|[^|]*\\|(.*)\\|$`, 'm').exec(page) ?? []
    const named = [...row.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    t.same([...named, 'account_url', 'site', 'recipient'].sort(), [...placeholdersOf(kind)].sort(), kind)
  }
})

t.test('the examples and the output of the command in docs/mail-templates.md are valid templates', async (t) => {
  const folder = t.testdir({})
  await writeFile(join(folder, 'fr.json'), snippet('json'))
  await writeFile(join(folder, 'layout.html'), snippet('html'))
  await writeFile(join(folder, 'nl.json'), (await commandLine(['language', 'show', 'en'])).stdout)
  t.same((await readTemplates(folder)).faults, [])
})

t.test('latchkey language show refuses a language that the package does not have', async (t) => {
  t.match(await commandLine(['language', 'show', 'fr']), { exitCode: 2, stderr: /no language fr\. Known: en, de\./ })
})
