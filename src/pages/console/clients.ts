import { request, client as session } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId, detail, element, replaceChildren } from '../shared/dom.js'
import type { Clients, NewSecret } from '../shared/responses.js'
import { onClick, onSubmit, showStatus } from '../shared/status.js'
import { timeElement } from '../shared/timeline.js'
import { problemWords } from '../shared/words/problem-words.js'
import { showOnce } from './once-dialog.js'
import { wordsOf } from './people/roles.js'

type Client = Clients['clients'][number]
type Secret = Client['secrets'][number]

const title = byId('clients-title', HTMLHeadingElement)
const list = byId('clients', HTMLUListElement)
const more = byId('clients-more', HTMLParagraphElement)
const open = byId('client-create', HTMLButtonElement)
const dialog = byId('client-dialog', HTMLDialogElement)
const form = byId('client-form', HTMLFormElement)
const name = byId('client-name', HTMLInputElement)
const scopes = byId('client-scopes', HTMLInputElement)
const fault = byId('client-fault', HTMLParagraphElement)
const cancel = byId('client-cancel', HTMLButtonElement)

/** How many clients are shown. The command line lists all. */
const maxShown = 100

export function prepareClients(): void {
  onClick(open, async () => {
    form.reset()
    fault.textContent = ''
    dialog.showModal()
    name.focus()
  })
  onSubmit(form, async () => {
    fault.textContent = ''
    const body = { name: name.value.trim(), scopes: wordsOf(scopes.value) }
    const created = await request<NewSecret>('POST', 'admin/clients', body).catch((error) => {
      fault.textContent = refusalWords(error, body.scopes)
      return undefined
    })
    if (created === undefined) return
    dialog.close()
    await loadClients()
    showSecret(created)
  })
  cancel.addEventListener('click', () => dialog.close())
  session.onChange(({ status }) => {
    if (status === 'signed_out') dialog.close()
  })
}

/** Names the refused scope. The server names only its place in the list. */
function refusalWords(error: unknown, scopes: readonly string[]): string {
  return problemWords(error).replace(/^scopes[.](\d+)(?=:)/, (path, index) => scopes[Number(index)] ?? path)
}

export async function loadClients(): Promise<void> {
  const page = await request<Clients>('GET', `admin/clients?limit=${maxShown}`)
  const rows = page.clients.map(row)
  replaceChildren(list, rows.length === 0 ? [element('li', { class: 'hint' }, 'There are no clients.')] : rows, title)
  more.hidden = page.next_cursor === null
}

function row(client: Client): HTMLLIElement {
  const { id, name, scopes, created_at: createdAt, secrets } = client
  const add = element('button', { type: 'button', class: 'quiet', 'data-key': `add ${id}` }, 'Add second secret')
  const remove = element('button', { type: 'button', class: 'quiet', 'data-key': `delete ${id}` }, 'Delete client…')
  onClick(add, () => addSecret(id))
  onClick(remove, () => deleteClient(client))
  return element(
    'li',
    {},
    element('h3', { class: 'small' }, name),
    detail(element('code', {}, id)),
    detail('Scopes: ', element('code', {}, scopes.join(' '))),
    detail('created ', timeElement(createdAt)),
    ...secrets.map((secret) => secretLine(client, secret)),
    ...(secrets.length === 0 ? [detail('Without a secret it gets no tokens.')] : []),
    element('p', { class: 'actions' }, ...(secrets.length < 2 ? [add] : []), remove)
  )
}

function secretLine(client: Client, secret: Secret): HTMLParagraphElement {
  const { id, hint, created_at: createdAt, last_used_at: lastUsedAt } = secret
  const remove = element('button', { type: 'button', class: 'link', 'data-key': `delete ${id}` }, `Delete …${hint}`)
  onClick(remove, () => deleteSecret(client, secret))
  const used = lastUsedAt === null ? ['never used'] : ['last used ', timeElement(lastUsedAt)]
  return detail(
    'Secret ',
    element('code', {}, `…${hint}`),
    ' · created ',
    timeElement(createdAt),
    ' · ',
    ...used,
    ' · ',
    remove
  )
}

async function addSecret(id: string): Promise<void> {
  const added = await request<NewSecret>('POST', `admin/clients/${id}/secrets`)
  await loadClients()
  showSecret(added)
}

async function deleteSecret({ id, name }: Client, secret: Secret): Promise<void> {
  const answer = await ask({
    title: `Delete the secret …${secret.hint} of ${name}?`,
    text: 'Machines that still use this secret get no more tokens. Tokens that they have are refused everywhere at once.',
    confirm: 'Delete secret',
    dangerous: true
  })
  if (answer === undefined) return
  await request('DELETE', `admin/clients/${id}/secrets/${secret.id}`)
  await loadClients()
  showStatus('The secret is deleted, and its tokens are refused.')
}

async function deleteClient({ id, name }: Client): Promise<void> {
  const answer = await ask({
    title: `Delete the client ${name}?`,
    text: 'It gets no more tokens, and all tokens that it has are refused everywhere at once. This cannot be undone.',
    confirm: 'Delete client',
    dangerous: true
  })
  if (answer === undefined) return
  await request('DELETE', `admin/clients/${id}`)
  await loadClients()
  showStatus('The client is deleted, and its tokens are refused.')
}

function showSecret({ id, name, secret }: NewSecret): void {
  showOnce({
    heading: `New secret of ${name}`,
    text: `The client ${id} gets tokens with this secret. It is shown only now: keep it where only the client can read it.`,
    label: 'Secret',
    value: secret
  })
}
