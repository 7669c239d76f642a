import { features } from '../shared/features.js'
import { say } from '../shared/words/language.js'

/** Shows the rule for new passwords in each `.password-rule` of `place`. */
export async function sayPasswordRule(place: ParentNode): Promise<void> {
  const { password_min_length: length } = await features()
  for (const rule of place.querySelectorAll('.password-rule')) {
    rule.textContent = length === undefined ? '' : say('password_rule', { length })
  }
}
