#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# table.sh FIGURES JSON: receives a JSON object a figure; writes them as one document with the machine, and
# prints a Markdown table. Figures print with three digits.
set -eu
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
jq -s --arg cpu "$cpu" --arg kernel "$(uname -r)" --argjson cores "$(nproc)" \
	--arg memory "$(sed -n 's/^MemTotal: *//p' /proc/meminfo)" --arg date "$(date -u +%Y-%m-%d)" \
	'{machine: {cpu: $cpu, cores: $cores, kernel: $kernel, memory: $memory, date: $date}, figures: .}' \
	<"$1" >"$2"
jq -r '
def digits: if . == null then "" elif fabs >= 100 or . == 0 then round | tostring
	else (if fabs >= 10 then 10 elif fabs >= 1 then 100 else 1000 end) as $k | (. * $k | round / $k) | tostring end;
.machine as $m |
"Machine: \($m.cores) cores (\($m.cpu)), \($m.memory), Linux \($m.kernel), \($m.date). Load: the one-minute average as that part ended.", "",
"| figure | unit | median | min – max | rounds | peer | ratio | goal | load |", "|---|---|--:|--:|--:|---|--:|--:|--:|",
(.figures[] | "| \(.group): \(.figure) | \(.unit) | \(.median | digits) | \(.min | digits) – \(.max | digits) | \(.rounds) | \(.peer // "") | \(.ratio | digits) | \(.goal // "") | \(.load // "") |")
' "$2"
