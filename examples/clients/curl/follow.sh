#!/bin/sh
# Asks a question, follows the work over server-sent events, and prints the answer.
# Needs curl and jq.
#
#   follow.sh http://127.0.0.1:8080 3M "What was the revenue in 2018?"
set -eu

server=$1 company=$2 question=$3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# With a key it is safe to repeat the request: there is one job, however often it arrives.
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
job=$(jq -n --arg company_name "$company" --arg question "$question" '$ARGS.named' |
  curl -fsS --retry 5 --retry-all-errors "$server/v1/analysis" \
    -H 'Content-Type: application/json' -H "Idempotency-Key: $key" --data-binary @- |
  jq -r .links.self)

# Shows each event, and keeps its id as the place to go on from. An id counts once its event is
# complete, at the empty line.
show() {
  id='' data=''
  while IFS= read -r line; do
    case $line in
      'id: '*) id=${line#id: } ;;
      'data: '*) data=${line#data: } ;;
      '')
        if [ -n "$id" ]; then
          echo "$id $(printf %s "$data" | jq -r .type)" >&2
          echo "$id" >"$folder/cursor"
        fi
        id='' data=''
        ;;
    esac
  done
}

# The stream ends with the job, or breaks. A cursor at the end of the log is answered with 204.
echo 0 >"$folder/cursor"
while :; do
  curl -sSN -D "$folder/head" "$server$job/events" \
    -H 'Accept: text/event-stream' -H "Last-Event-ID: $(cat "$folder/cursor")" | show || true
  case $(head -n 1 "$folder/head") in
    *' 204'*) break ;;
    *' 4'*) cat "$folder/head" >&2 && exit 1 ;;
  esac
  sleep 1
done

curl -fsS "$server$job" | jq -r '.result.summary // .error.detail'
