key() { sed -n "/\"role\": \"$1\"/,/\"key\"/s/.*\"key\": \"\(.*\)\".*/\1/p" data/keys.json | head -n 1; }
call() { curl -sS -w '\n' "$@"; }
api=http://127.0.0.1:3000

call -X PUT $api/v1/reps/anna -H "Authorization: Bearer $(key sales)" -d '{
  "name": "Anna Becker", "email": "anna@acme.example", "zone": "Europe/Berlin", "hours": "always", "capacity": 20}'
call -X PUT $api/v1/pools/inbound -H "Authorization: Bearer $(key sales)" -d '{
  "name": "Inbound", "members": [{"rep": "anna", "weight": 1}]}'

# One person in marketing and one in sales approve every rulebook, each with their own key.
call -X PUT $api/v1/people/mara -H "Authorization: Bearer $(key admin)" -d '{
  "name": "Mara Vestergaard", "email": "mara@acme.example", "role": "marketing"}'
call -X PUT $api/v1/people/otto -H "Authorization: Bearer $(key admin)" -d '{
  "name": "Otto Brinkmann", "email": "otto@acme.example", "role": "sales"}'
personal() { curl -sS $api/v1/keys -H "Authorization: Bearer $(key admin)" -d "{\"person\": \"$1\"}" |
  sed 's/.*"key": *"\([^"]*\)".*/\1/'; }
mara=$(personal mara) otto=$(personal otto)

call -X POST "$api/v1/rulebooks?purpose=Our%20first%20rules" -H "Authorization: Bearer $mara" --data-binary @- <<'YAML'
company: { zone: Europe/Berlin, currency: EUR }
block:
  - { rule: junk, if: { email.kind: disposable }, then: { disqualify: junk } }
score:
  fit:
    share: 100%
    lines:
      - { if: { job.level: [c_level, vp, director] }, points: 60 }
      - { if: { company.employees: 100+ }, points: 40 }
  grades: { A: 80+, B: 60+, C: 40+ }
mql:
  - { score: 60+ }
  - { did: [demo, contact_me] }
route:
  - rule: everyone
    then: { pool: inbound, if_nobody: wait }
YAML
call -X POST $api/v1/rulebooks/000001/approve -H "Authorization: Bearer $mara"
call -X POST $api/v1/rulebooks/000001/approve -H "Authorization: Bearer $otto"
call -X POST $api/v1/rulebooks/000001/activate -H "Authorization: Bearer $mara"

lead=$(curl -sS $api/v1/leads -H "Authorization: Bearer $(key source)" -H 'Idempotency-Key: form-1' -d '{
  "email": "ada@lovelace.example", "name": "Ada Lovelace", "job_title": "CTO", "did": "demo"}' |
  sed 's/.*"lead_id": *"\([^"]*\)".*/\1/')
call "$api/v1/leads/$lead?wait=3s" -H "Authorization: Bearer $(key sales)"
call $api/v1/leads/$lead/why -H "Authorization: Bearer $(key sales)"
