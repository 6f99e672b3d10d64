#!/bin/bash
# Runs once, when the data volume is new (docker-entrypoint-initdb.d). Each service owns one database and one role of the same name,
# and no role may connect to another's database. It may be repeated: for a service that is added later, or to change a password, set
# the variable in .env, `docker compose up -d postgres`, then
#   docker compose exec postgres /docker-entrypoint-initdb.d/create-databases.sh
set -euo pipefail

for service in revenue_adapter ops_adapter finance_adapter orchestrator sandbox registry; do
  variable="${service^^}_DB_PASSWORD"
  if [ -z "${!variable:-}" ]; then
    echo "${variable} is empty: no database for ${service}"
    continue
  fi
  psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER}" --dbname postgres \
    --set=name="throughline_${service}" --set=password="${!variable}" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'name', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
SQL
  echo "database and role: throughline_${service}"
done
