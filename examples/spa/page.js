import { createAuthClient } from 'latchkey/client'

const auth = createAuthClient({ baseURL: 'http://localhost:3000' })
const [form] = document.forms
const { email, password, leave, shown } = form

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const person = { email: email.value, password: password.value, device: 'browser' }
  auth.login(person).catch((error) => shown.append(error.message))
})
leave.onclick = () => auth.logout()

auth.onChange(async ({ status, reason = 'nobody is signed in' }) => {
  const me = status === 'signed_in' ? await auth.fetch('/me') : undefined
  shown.textContent = me?.ok ? (await me.json()).email : reason
})
// Restores the session after a reload.
auth.getAccessToken().catch((error) => shown.append(error.message))
