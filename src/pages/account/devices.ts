import type { DeviceSession } from '../../client/index.js'
import { client, request, withRecentLogin } from '../shared/connection.js'
import { deviceName, deviceRow, rowButton } from '../shared/device-row.js'
import { ask } from '../shared/dialog.js'
import { byId, replaceChildren } from '../shared/dom.js'
import { onClick, showStatus } from '../shared/status.js'

const title = byId('devices-title', HTMLHeadingElement)
const list = byId('devices', HTMLUListElement)
const endOthers = byId('end-others', HTMLButtonElement)

/** Connects the button “Sign out all others”. `changed` runs after each change. */
export function prepareDevices(changed: () => Promise<void>): void {
  onClick(endOthers, async () => {
    const answer = await ask({
      title: 'Sign out all other devices?',
      text: 'You stay signed in here. Each of the others must sign in again.',
      confirm: 'Sign out all others',
      dangerous: true
    })
    if (answer === undefined) return
    const revoked = await withRecentLogin(client.revokeOthers)
    await changed()
    showStatus(revoked === 1 ? 'One other device is signed out.' : `${revoked} other devices are signed out.`)
    title.focus()
  })
}

/** Lists the devices that are signed in: this device first, then by last use. */
export async function loadDevices(changed: () => Promise<void>): Promise<void> {
  const sessions = await client.sessions()
  const sorted = [...sessions].sort(
    (a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at)
  )
  endOthers.hidden = sessions.length < 2
  const rows = sorted.map((session) => row(session, changed))
  replaceChildren(list, rows, title)
}

function row(session: DeviceSession, changed: () => Promise<void>): HTMLLIElement {
  const name = deviceName(session)
  const rename = onClick(rowButton('Rename', session, { class: 'quiet' }), async () => {
    const answer = await ask({
      title: 'Rename this device',
      text: 'Choose a name that you will recognize.',
      confirm: 'Save',
      field: { label: 'Name', value: name, required: true }
    })
    if (answer === undefined || answer.value === '') return
    await request('PATCH', `sessions/${session.id}`, { device: answer.value })
    await changed()
    showStatus(`The device is called “${answer.value}” now.`)
  })
  if (session.current) return deviceRow(session, [rename])

  const end = onClick(rowButton('Sign out', session, { class: 'quiet danger' }), async () => {
    const answer = await ask({
      title: `Sign out “${name}”?`,
      text: 'It must sign in again. If you do not recognize this device, change your password too.',
      confirm: 'Sign out',
      dangerous: true
    })
    if (answer === undefined) return
    await withRecentLogin(() => client.revoke(session.id))
    await changed()
    showStatus(`“${name}” is signed out.`)
  })
  return deviceRow(session, [rename, end])
}
