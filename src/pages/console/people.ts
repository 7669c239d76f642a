import type { User, Users } from '../shared/answers.js'
import { request } from '../shared/connection.js'
import { byId, element, replaceChildren } from '../shared/dom.js'
import { onClick, onSubmit, say } from '../shared/status.js'
import { badges } from './badges.js'
import { loadPerson, preparePerson } from './person.js'

const title = byId('people-title', HTMLHeadingElement)
const form = byId('find-form', HTMLFormElement)
const email = byId('find-email', HTMLInputElement)
const list = byId('found', HTMLUListElement)

/** How many are listed: whoever looks for one of more types more of the address. */
const most = 20

let asked = ''
let chosen: string | undefined

export function preparePeople(): void {
  preparePerson(loadPeople)
  onSubmit(form, async () => {
    asked = email.value.trim()
    const count = await loadFound()
    say(count === 0 ? 'Nobody was found.' : count === 1 ? 'One person was found.' : `${count} people were found.`)
  })
}

/** The newest people, or those who were asked for, and the one who was chosen. */
export async function loadPeople(): Promise<void> {
  await Promise.all([loadFound(), ...(chosen === undefined ? [] : [loadPerson(chosen)])])
}

async function loadFound(): Promise<number> {
  const filter = asked === '' ? '' : `&email=${encodeURIComponent(asked)}`
  const { users } = await request<Users>('GET', `admin/users?limit=${most}${filter}`)
  replaceChildren(list, users.map(item), title)
  return users.length
}

function item(user: User): HTMLLIElement {
  const button = element(
    'button',
    { type: 'button', 'data-key': user.id, 'aria-pressed': String(user.id === chosen) },
    element('span', { class: 'name' }, user.email),
    ...badges(user)
  )
  onClick(button, async () => {
    chosen = user.id
    await loadPeople()
  })
  return element('li', {}, button)
}
