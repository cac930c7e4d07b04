#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test_completion.sh SCRIPT: the generated bash completion, as bash itself would call it.
# Prints `ok NAME` or `not ok NAME` for each check, and a closing line; exit status 1 when one failed.
set -u
script=${1:?usage: test_completion.sh SCRIPT}
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
verdict() { # verdict STATUS NAME
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "not ok $2 (offered: ${COMPREPLY[*]:-nothing})"
	fi
}
# complete_words WORD…: the last is the one that the cursor is on; bash divides at = and :
complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_tcptimer
}
offers() { # offers NAME WORD
	local word
	for word in "${COMPREPLY[@]:-}"; do
		[ "$word" = "$2" ] && verdict 0 "$1" && return
	done
	verdict 1 "$1"
}
only() { # only NAME WORD…: these, in this order, and nothing else
	local name=$1
	shift
	[ "${COMPREPLY[*]:-}" = "$*" ]
	verdict $? "$name"
}

# shellcheck disable=SC1090
. "$script"
complete -p tcptimer 2>/dev/null | grep -q -- '-F _tcptimer tcptimer'
verdict $? 'bash has it for tcptimer'
complete_words tcptimer tr
only 'a command' trace
complete_words tcptimer re
only 'two commands' record replay
complete_words tcptimer list --st
only 'an option' --stalled
complete_words tcptimer list --
offers 'each option has its long form' --netns
complete_words tcptimer kill --
only 'options of kill' --dry-run --yes
complete_words tcptimer policy ch
offers 'a subcommand' check
complete_words tcptimer replay --kernel 6.1
only 'a kernel' 6.1 6.12 6.18
complete_words tcptimer policy --kernel 4
only 'a kernel for policy' 4.3
complete_words tcptimer simulate user_
only 'a setting' user_timeout=
complete_words tcptimer simulate kernel = 7
only 'the value of a key' 7.2
complete_words tcptimer simulate state =
offers 'all values of a key' fin_wait1
complete_words tcptimer simulate tcp_retries2 = 1
only 'a number is not guessed' ''
complete_words tcptimer explain --what-if keep
offers 'a setting of --what-if' keepidle=
complete_words tcptimer explain --peer un
only 'an assumption' unreachable
complete_words tcptimer trace timer pro
only 'a timer in a filter' probe0
complete_words tcptimer list state est
only 'a state in a filter' established
complete_words tcptimer kill dp
only 'a condition' dport
complete_words tcptimer trace -d 1
only 'a number of seconds is not guessed' ''
: >"$work/last night.rec"
complete_words tcptimer replay "$work/last"
only 'a file with a blank in its name' "$work/last night.rec"
complete_words tcptimer record "$work/"
offers 'a file of record' "$work/last night.rec"
complete_words tcptimer frobnicate x
only 'no such command' ''
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
