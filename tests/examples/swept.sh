#!/bin/sh
# A program for sweep that ends as --b asks it to.
if [ "$1" = --help ]; then
  echo "  --a NUMBER  --b TEXT  --pause SECONDS  --seeds NUMBER  --json FILE"
  exit 0
fi
a=0 b=well
while [ $# -gt 0 ]; do
  case "$1" in
    --a=*) a=${1#--a=} ;;
    --b=*) b=${1#--b=} ;;
    --pause) sleep $2; shift ;;
    --seeds) seed=$2; shift ;;
    --json) shift ;;
    *) echo "$1: what is that?" >&2; exit 2 ;;
  esac
  shift
done
case $b in
  refused) echo "--b: is another thing" >&2; exit 2 ;;
  killed) kill -SEGV $$ ;;
  ended) kill -TERM $$ ;;
  cancelled) { sleep 0.3; kill -TERM $PPID; } > /dev/null 2>&1 & kill -TERM $$ ;;
  hung-up) { sleep 0.3; kill -HUP $PPID; } > /dev/null 2>&1 & sleep 20 ;;
  elsewhere) echo "cannot open /data/diverged/x" >&2; exit 1 ;;
  large) echo '{"loss": 1e400}'; exit 0 ;;
  failed) echo "swept: cannot go on" >&2; exit 1 ;;
  diverged) echo "swept: training diverged at step 3" >&2; exit 1 ;;
  mended) [ -e mended ] || { echo "swept: not yet" >&2; exit 3; } ;;
  last) echo "{\"found\": $seed}"; exit 0 ;;
  words) echo "it went well"; exit 0 ;;
esac
echo "{\"config\": {\"a\": $a}, \"runs\": [{\"seed\": $seed, \"seconds\": $$, \"value\": $((a + seed)).5,
       \"deep\": {\"list\": [$a, $seed], \"none\": null}}]}"
