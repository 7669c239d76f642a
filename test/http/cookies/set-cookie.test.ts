import t from 'tap'
import { setCookieHeader } from '../../../src/http/cookies/set-cookie.js'

t.test('a cookie has exactly the attributes that it is given', async (t) => {
  t.equal(setCookieHeader('session', 'lk_st_a', {}), 'session=lk_st_a')
  t.equal(
    setCookieHeader('session', 'lk_st_a', { httpOnly: false, secure: false, partitioned: false }),
    'session=lk_st_a',
    'a flag that is false is left out'
  )
  t.equal(
    setCookieHeader('__Host-session', '', {
      maxAge: 0,
      domain: 'example.com',
      path: '/',
      expires: new Date(0),
      httpOnly: true,
      secure: true,
      partitioned: true,
      sameSite: 'none'
    }),
    '__Host-session=; Max-Age=0; Domain=example.com; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; Partitioned; SameSite=None'
  )
})
