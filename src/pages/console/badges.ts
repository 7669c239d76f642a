import type { User } from '../shared/answers.js'
import { element } from '../shared/dom.js'

/** What sets a person apart: that they are shut out, and their roles. */
export function badges({ roles, disabled }: User): HTMLSpanElement[] {
  const state = disabled ? [element('span', { class: 'badge bad' }, 'disabled')] : []
  return [...state, ...roles.map((role) => element('span', { class: 'badge' }, role))]
}
