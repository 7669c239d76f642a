import { request } from '../../shared/connection.js'
import { byId, element, replaceChildren } from '../../shared/dom.js'
import type { User, Users } from '../../shared/responses.js'
import { onClick, onSubmit, showStatus } from '../../shared/status.js'
import { badges, loadPerson, preparePerson } from './person.js'
import { personName } from './person-name.js'

const title = byId('people-title', HTMLHeadingElement)
const form = byId('find-form', HTMLFormElement)
const email = byId('find-email', HTMLInputElement)
const list = byId('found', HTMLUListElement)

/** How many users are listed. To find others, the admin types more of the address. */
const maxFound = 20

let emailPrefix = ''
let chosen: string | undefined

export function preparePeople(): void {
  preparePerson(loadPeople)
  onSubmit(form, async () => {
    emailPrefix = email.value.trim()
    const count = await loadFound()
    showStatus(
      count === 0 ? 'Nobody was found.' : count === 1 ? 'One person was found.' : `${count} people were found.`
    )
  })
}

/** Lists the found users, by default the newest, and shows the chosen one. */
export async function loadPeople(): Promise<void> {
  await Promise.all([loadFound(), ...(chosen === undefined ? [] : [loadPerson(chosen)])])
}

/** Chooses a person by id, and moves the focus to their panel. */
export async function showPerson(id: string): Promise<void> {
  await loadPerson(id)
  chosen = id
  await loadFound()
  document.getElementById('person-title')?.focus()
}

async function loadFound(): Promise<number> {
  const filter = emailPrefix === '' ? '' : `&email=${encodeURIComponent(emailPrefix)}`
  const { users } = await request<Users>('GET', `admin/users?limit=${maxFound}${filter}`)
  replaceChildren(list, users.map(item), title)
  return users.length
}

function item(user: User): HTMLLIElement {
  const button = element(
    'button',
    { type: 'button', 'data-key': user.id, 'aria-pressed': String(user.id === chosen) },
    element('span', { class: 'name' }, personName(user)),
    ...badges(user)
  )
  onClick(button, async () => {
    chosen = user.id
    await loadPeople()
  })
  return element('li', {}, button)
}
