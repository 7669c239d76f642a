import { element } from '../shared/dom.js'
import type { User } from '../shared/responses.js'

/** Badges for the state `disabled` and for each role. */
export function badges({ roles, disabled }: User): HTMLSpanElement[] {
  const state = disabled ? [element('span', { class: 'badge bad' }, 'disabled')] : []
  return [...state, ...roles.map((role) => element('span', { class: 'badge' }, role))]
}
