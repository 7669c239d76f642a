import { request } from '../shared/connection.js'
import { ask } from '../shared/dialog.js'
import { byId, detail, element } from '../shared/dom.js'
import type { Keys, RotatedKeys } from '../shared/responses.js'
import { onClick, showStatus } from '../shared/status.js'
import { timeElement } from '../shared/timeline.js'

type SigningKey = Keys['keys'][number]

const list = byId('keys', HTMLUListElement)
const rotate = byId('rotate', HTMLButtonElement)

export function prepareKeys(): void {
  onClick(rotate, async () => {
    const answer = await ask({
      title: 'Rotate the signing key?',
      text: 'The next key is published now. It signs once every cached key set contains it. Users notice nothing.',
      confirm: 'Rotate',
      choice:
        'The current key has leaked: refuse its access tokens at once. Sessions continue, but each client must refresh first.'
    })
    if (answer === undefined) return
    const body = { revoke_old: answer.chosen }
    const { rotated, keys } = await request<RotatedKeys>('POST', 'admin/keys/rotate', body)
    show(keys)
    showStatus(rotated ? 'There is a new signing key.' : 'Nothing has changed: the next key is already published.')
  })
}

export async function loadKeys(): Promise<void> {
  const { keys } = await request<Keys>('GET', 'admin/keys')
  show(keys)
}

function show(keys: readonly SigningKey[]): void {
  list.replaceChildren(...keys.map(row))
}

function row({ kid, alg, state, signs_from: signsFrom, retires_at: retiresAt }: SigningKey): HTMLLIElement {
  const badge = element('span', { class: state === 'active' ? 'badge good' : 'badge' }, state)
  const retires =
    retiresAt === null ? [] : [state === 'retired' ? ' · retired ' : ' · retires ', timeElement(retiresAt)]
  const signs = state === 'published' ? 'signing begins ' : 'signing began '
  return element(
    'li',
    {},
    element('p', { class: 'badges' }, element('code', {}, kid ?? ''), badge),
    detail(`${alg} · ${signs}`, timeElement(signsFrom), ...retires)
  )
}
