-- PostgreSQL's image runs this once, on a new volume, as its superuser (compose.yaml). The service gets a role that owns
-- one database and may do nothing else.
\getenv password POSTGRES_PASSWORD
CREATE ROLE latchkey LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE latchkey OWNER latchkey;
-- The superuser has had the same password until here. Without one nobody can log in as superuser over the network; the
-- socket inside the container asks for none.
ALTER ROLE CURRENT_USER PASSWORD NULL;
