#!/bin/sh
# Run the tests that the last run of pytest saw fail once more, alone: `again.sh EXIT_CODE PYTHON -m "not slow"`.
# Names those that pass now, and fails where one does not, or where the run ended for another reason.
ended="$1" python="$2"
shift 2
[ "$ended" = 1 ] || exit "$ended"
printf '\nWhat failed runs once more, alone.\n'
"$python" -m pytest --last-failed --last-failed-no-failures none -r p "$@" || exit 1
printf 'FLAKY: the tests above failed beside others and passed alone.\n'
