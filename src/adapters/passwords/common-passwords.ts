import type { CommonPasswords } from '../../ports/passwords.js'
import { commonPasswordList } from './common-password-list.js'

// One string in place of a Set takes a tenth of the memory, and its search is nothing beside bcrypt.
const list = commonPasswordList.replaceAll('\n', ' ')

/**
 * Whether a password in lower case is too common (ASVS 6.2.4): one of the most frequent leaked passwords, or a sequence
 * such as `abcdefgh`, `87654321` or `zzzzzzzz`.
 */
export const isCommonPassword: CommonPasswords = (lowerCase) => {
  if (isSequence(lowerCase)) return true
  return !/\s/.test(lowerCase) && list.includes(` ${lowerCase} `)
}

function isSequence(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  const steps = new Set(points.slice(1).map((point, i) => point - (points[i] ?? 0)))
  const [step] = steps
  return steps.size === 1 && step !== undefined && Math.abs(step) <= 1
}
