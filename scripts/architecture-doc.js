// Writes the rules of lint/rooms.cjs into docs/architecture.md (diagram and table) and into the "May import" line of
// each README.md under src/. With --check it writes nothing and fails where a page is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import rooms from '../lint/rooms.cjs'

const root = join(import.meta.dirname, '..')
const adapterRooms = rooms.filter(({ room }) => room.startsWith('adapters/'))
const [firstAdapter] = adapterRooms
const allAdapters = {
  room: 'adapters',
  may: firstAdapter.may.filter((path) => adapterRooms.every(({ may }) => may.includes(path)))
}
const topRooms = [...rooms.filter((room) => !adapterRooms.includes(room)), allAdapters]
const isFolder = (room) => existsSync(join(root, 'src', room))

const stale = []
update('docs/architecture.md', (page) =>
  page.replace(/(<!-- rooms: .*? -->\n).*(<!-- end of rooms -->)/s, (_, begin, end) => `${begin}\n${drawing()}\n${end}`)
)
for (const { room, may } of topRooms.filter(({ room }) => isFolder(room))) {
  update(`src/${room}/README.md`, (page) => page.replace(/^May import: .*$/m, `May import: ${list(may)}.`))
}
if (stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run: node scripts/architecture-doc.js`)
  process.exitCode = 1
}

/** Writes the page as `change` returns it, or notes that it differs. */
function update(path, change) {
  const before = readFileSync(join(root, path), 'utf8')
  const after = change(before)
  if (after === before) return
  if (process.argv.includes('--check')) stale.push(path)
  else writeFileSync(join(root, path), after)
}

function drawing() {
  const inside = adapterRooms.map(({ room }) => `    ${node(room)}`)
  const between = adapterRooms.flatMap(({ room, may }) =>
    may
      .filter((path) => !allAdapters.may.includes(path))
      .map((path) => `    ${id(room)} --> ${id(plain(path).replace('.ts', ''))}`)
  )
  const nodes = topRooms.filter((room) => room !== allAdapters).map(({ room }) => `  ${node(room)}`)
  const arrows = topRooms.flatMap(({ room }) => direct(room).map((to) => `  ${id(room)} --> ${id(to)}`))
  const rows = rooms.map(({ room, may, why }) => `| ${code(room)} | ${list(may)} | ${why} |`)
  return `\`\`\`mermaid
flowchart TD
${nodes.join('\n')}
  subgraph adapters ["adapters/"]
${[...inside, ...between].join('\n')}
  end
${arrows.join('\n')}
\`\`\`

| room | may import | why |
|---|---|---|
${rows.join('\n')}
`
}

/** The rooms that this room may import, without the ones that another of them leads to. */
function direct(room) {
  const targets = targetsOf(room)
  return targets.filter((target) => !targets.some((other) => other !== target && leadsTo(other, target)))
}

function leadsTo(from, to) {
  return targetsOf(from).some((target) => target === to || leadsTo(target, to))
}

function targetsOf(name) {
  const { may } = topRooms.find(({ room }) => room === name)
  return [...new Set(may.map(plain).map((path) => topRooms.find(({ room }) => path.split(/[/.]/)[0] === room).room))]
}

/** A path of ours without the marks of a regular expression. */
function plain(pattern) {
  return pattern.replaceAll('[.]', '.').replace(/\$$/, '')
}

function list(may) {
  return may.length === 0 ? 'nothing of ours' : may.map((path) => `\`${plain(path)}\``).join(', ')
}

function code(room) {
  return `\`${room}${isFolder(room) ? '/' : '.ts'}\``
}

function id(room) {
  return room.replace(/\/$/, '').replace(/\W/g, '_')
}

function node(room) {
  const label = isFolder(room) ? `${room.replace('adapters/', '')}/` : `${room}.ts`
  return `${id(room)}["${label}"]`
}
