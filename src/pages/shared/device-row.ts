import type { DeviceSession } from '../../client/index.js'
import { detail, element, svg } from './dom.js'
import { timeElement } from './timeline.js'
import { say, sayWith } from './words/language.js'
import { deviceKind, deviceWords, placeWords, sentence } from './words/words.js'

/** The name that the user gave the device, else one made from its user agent. */
export function deviceName({ device, user_agent: userAgent }: DeviceSession): string {
  return device ?? deviceWords(userAgent)
}

const icons = new URL('device-icons.svg', import.meta.url)

/** One device: name, place, times and action buttons. */
export function deviceRow(session: DeviceSession, actions: readonly HTMLButtonElement[], ...more: readonly Node[]) {
  const name = element('p', { class: 'name' }, deviceName(session))
  if (session.current) name.append(' ', element('span', { class: 'badge' }, say('this_device')))
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
      detail(where),
      detail(
        ...sayWith('device_times', {
          used: timeElement(session.last_used_at),
          created: timeElement(session.created_at)
        })
      ),
      ...more
    ),
    element('div', { class: 'actions' }, ...actions)
  )
}

/** A button of a device's row. Its accessible name includes the device, for users of screen readers. */
export function rowButton(
  label: string,
  session: DeviceSession,
  attributes: { readonly class: string }
): HTMLButtonElement {
  const key = `${session.id} ${label}`
  return element(
    'button',
    { type: 'button', ...attributes, 'data-key': key, 'aria-label': `${label}: ${deviceName(session)}` },
    label
  )
}
