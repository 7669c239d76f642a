import t from 'tap'
import { guessLimits, isAboveUsual, registrationLimits } from '../../src/core/rate-limits.js'

t.test('more than a hundred registrations an hour, and more than four times the usual, are above usual', async (t) => {
  t.notOk(isAboveUsual(100, 0))
  t.ok(isAboveUsual(101, 0))
  t.notOk(isAboveUsual(4000, 1000))
  t.ok(isAboveUsual(4001, 1000))
})

t.test('strangers have at most a hundred guesses in a row at an account (NIST SP 800-63B-4 §3.2.2)', async (t) => {
  const { max, perDay, pauses } = guessLimits.strangersInARow
  t.ok(max <= 100)
  t.ok(perDay <= 5, 'a few a day')
  const lengths = pauses.map(({ seconds }) => seconds)
  t.same(
    lengths,
    [...lengths].sort((a, b) => a - b),
    'the pauses become longer'
  )
  t.ok(pauses.every(({ after }) => after < max))
})

t.test('a flood of registrations from one network becomes ever slower, and a class can sign up at once', async (t) => {
  t.strictSame(
    registrationLimits.map(({ max, windowSeconds }) => [max, windowSeconds]),
    [
      [30, 60],
      [90, 3600],
      [180, 86_400]
    ]
  )
})
