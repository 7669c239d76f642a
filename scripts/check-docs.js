// Checks the pages in the repository: each path, link and heading that a page names exists, and lines of prose have at
// most 120 characters. Tables, code and lines that are one link may be longer. Pages that code names must exist too.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'

const root = join(import.meta.dirname, '..')
const maxLineLength = 120
const topFolders = [
  '.ci',
  'bench',
  'deploy',
  'docs',
  'examples',
  'lint',
  'packages',
  'prisma',
  'scripts',
  'src',
  'test'
]
const files = topFolders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((path) => !path.includes('node_modules'))
    .map((path) => `${folder}/${path}`)
)
const names = new Set(files.map((path) => basename(path)))
/** The folders that a page may leave out of a path: `http/routes/` is src/http/routes/, `e2e/drain` is a test. */
const bases = ['', 'src/', 'test/', 'src/adapters/']
const endings = ['', '.ts', '.test.ts']
const folders = new Set([...topFolders, ...['src', 'test', 'src/adapters'].flatMap(foldersIn)])
const exported = Object.keys(JSON.parse(read('package.json')).exports).map((name) => `latchkey${name.slice(1)}`)

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...files.filter((path) => /^(deploy|docs|examples|packages|src)\/.*\.md$/.test(path))
]
const code = files.filter((path) => /\.(js|cjs|ts)$/.test(path) && !path.includes('/generated/'))
const faults = [
  ...pages.flatMap((page) => checkPage(page).map((fault) => `${page}: ${fault}`)),
  ...code.flatMap((file) => missingPages(file).map((page) => `${file}: ${page} does not exist`))
]
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1

function checkPage(page) {
  const text = read(page)
  const prose = text.replace(/^```.*?^```$/gms, '')
  // Words with a slash, and names of files in backticks.
  const paths = [...text.matchAll(/(?<![\w./:@-])[\w.@-]+(?:\/[\w.@-]*)+|`([\w-]+\.(?:ts|cjs))`/g)].map(
    ([path, name]) => (name ?? path).replace(/\.$/, '')
  )
  const links = [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
  return [
    ...paths.filter((path) => namesOurs(path, page) && !isThere(path, page)).map((path) => `${path} does not exist`),
    ...links.flatMap(([, path, heading]) => checkLink(page, path, heading)),
    ...prose
      .split('\n')
      .filter((line) => line.length > maxLineLength && !/^(\||!?\[.*\)$|<!--)/.test(line))
      .map((line) => `longer than ${maxLineLength} characters: ${line.slice(0, 40)}…`)
  ]
}

/** Whether the words can only be a path of this repository. */
function namesOurs(path, page) {
  if (!path.includes('/')) return true
  const [first] = path.split('/')
  if (first === '.') return false
  if (first === 'latchkey') return !exported.includes(path)
  return first === 'build' || folders.has(first) || existsSync(join(root, dirname(page), first))
}

function isThere(path, page) {
  if (!path.includes('/')) return names.has(path)
  // A fresh clone has no build/ yet.
  if (path === 'build/') return true
  const source = path.replace(/^build\/(.*)\.js$/, '$1.ts')
  return [...bases, `${dirname(page)}/`].some((base) =>
    endings.some((ending) => existsSync(join(root, base + source + ending)))
  )
}

function missingPages(file) {
  return (read(file).match(/\bdocs\/[\w-]+\.md/g) ?? []).filter((page) => !existsSync(join(root, page)))
}

function checkLink(page, path, heading) {
  const target = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(join(root, target))) return [`the link ${path} leads nowhere`]
  if (heading === undefined) return []
  const anchors = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchor(title))
  return anchors.includes(heading) ? [] : [`${target} has no heading #${heading}`]
}

/** GitHub's name for a heading. */
function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

function foldersIn(folder) {
  return readdirSync(join(root, folder)).filter((name) => statSync(join(root, folder, name)).isDirectory())
}

function read(path) {
  return readFileSync(join(root, path), 'utf8')
}
