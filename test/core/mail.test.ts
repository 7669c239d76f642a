import t from 'tap'
import {
  linkFragments,
  linkLifeSeconds,
  linkUrl,
  mailKinds,
  mailLifeSeconds,
  retryPauseSeconds
} from '../../src/core/mail.js'

t.test('the pauses between attempts grow up to an hour, and fill a day with about thirty attempts', async (t) => {
  let [attempts, age, before] = [1, 0, 0]
  for (; age <= mailLifeSeconds; attempts += 1) {
    const pause = retryPauseSeconds(attempts)
    t.ok(pause >= before && pause <= 3600, `attempt ${attempts}`)
    before = pause
    age += pause
  }
  t.equal(retryPauseSeconds(1), 10)
  t.ok(attempts > 25 && attempts < 40, `${attempts} attempts`)
})

t.test('every purpose of a link has a fragment of its own, and a mail that carries it', async (t) => {
  const purposes = Object.keys(linkLifeSeconds).sort()
  t.strictSame(Object.keys(linkFragments).sort(), purposes)
  t.equal(new Set(Object.values(linkFragments)).size, purposes.length)
  for (const fragment of Object.values(linkFragments)) t.match(fragment, /^[a-z-]+$/)
  const carried = Object.values(mailKinds).flatMap((kind) => ('link' in kind ? [kind.link] : []))
  t.strictSame([...new Set<string>(carried)].sort(), purposes)
})

t.test('no mail has a parameter that could hold a secret, or that the sender adds', async (t) => {
  for (const [kind, { parameters }] of Object.entries(mailKinds)) {
    for (const name of parameters) t.notMatch(name, /token|password|secret|link|account_url|service/, kind)
  }
})

t.test('the token of a link is in the fragment', async (t) => {
  const url = linkUrl('https://auth.example/account', 'password_reset', 'lk_ot_x')
  t.equal(url, 'https://auth.example/account#reset=lk_ot_x')
})
