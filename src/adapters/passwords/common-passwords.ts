import type { CommonPasswords } from '../../ports/passwords.js'
import { commonPasswordList } from './common-password-list.js'

// One text and no Set: a search takes microseconds next to bcrypt, and a tenth of the memory.
const list = commonPasswordList.replaceAll('\n', ' ')

/**
 * Whether a password, in lower case, is too common to be allowed (ASVS 6.2.4): on the list of the
 * most frequent leaked ones, or a mere run such as `abcdefgh`, `87654321` or `zzzzzzzz`.
 */
export const isCommonPassword: CommonPasswords = (lowerCase) => {
  if (isRun(lowerCase)) return true
  return !/\s/.test(lowerCase) && list.includes(` ${lowerCase} `)
}

function isRun(text: string): boolean {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  const steps = new Set(points.slice(1).map((point, i) => point - (points[i] ?? 0)))
  const [step] = steps
  return steps.size === 1 && step !== undefined && Math.abs(step) <= 1
}
