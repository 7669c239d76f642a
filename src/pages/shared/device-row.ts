import { element, svg } from './dom.js'
import { timeElement } from './timeline.js'
import { deviceKind, deviceWords, placeWords, sentence } from './words.js'

/** The members of a session that both pages show. */
export interface Device {
  readonly id: string
  readonly current: boolean
  readonly mode: string
  readonly device: string | null
  readonly user_agent: string | null
  readonly ip: string | null
  readonly created_at: string
  readonly last_used_at: string
}

/** The name that the user gave the device, else one made from its user agent. */
export function deviceName({ device, user_agent: userAgent }: Device): string {
  return device ?? deviceWords(userAgent)
}

const icons = new URL('device-icons.svg', import.meta.url)

/** One device: name, place, times and action buttons. */
export function deviceRow(session: Device, actions: readonly HTMLButtonElement[], ...more: readonly Node[]) {
  const name = element('p', { class: 'name' }, deviceName(session))
  if (session.current) name.append(' ', element('span', { class: 'badge' }, 'This device'))
  const place = placeWords(session.ip)
  const where = session.device === null ? sentence(place) : `${deviceWords(session.user_agent)} · ${place}`
  return element(
    'li',
    { class: 'device', 'data-session': session.id },
    svg(
      'svg',
      { class: 'glyph', 'aria-hidden': 'true', width: '24', height: '24' },
      svg('use', { href: `${icons}#${deviceKind(session.user_agent)}` })
    ),
    element(
      'div',
      { class: 'about' },
      name,
      element('p', { class: 'detail' }, where),
      element(
        'p',
        { class: 'detail' },
        'Used ',
        timeElement(session.last_used_at),
        ' · signed in ',
        timeElement(session.created_at)
      ),
      ...more
    ),
    element('div', { class: 'actions' }, ...actions)
  )
}

/** A button of a device's row. Its accessible name includes the device, for users of screen readers. */
export function rowButton(label: string, session: Device, attributes: { readonly class: string }): HTMLButtonElement {
  const key = `${session.id} ${label}`
  return element(
    'button',
    { type: 'button', ...attributes, 'data-key': key, 'aria-label': `${label}: ${deviceName(session)}` },
    label
  )
}
