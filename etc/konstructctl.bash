# SPDX-License-Identifier: ISC
# Completion for bash; konstructctl itself knows its words, and asks the daemon
# for names.

_konstructctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} words word quoted

	words=$(konstructctl --complete "${COMP_WORDS[@]:1:COMP_CWORD}" \
		2>/dev/null)
	COMPREPLY=()
	if [ "$words" = FILE ]; then
		local IFS=$'\n'
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
		return
	fi
	# Not compgen -W, which expands: names are others' text.
	while IFS= read -r word; do
		[ -n "$word" ] || continue
		quoted=$word
		[[ $word =~ ^[A-Za-z0-9_.,:/@%+-]+$ ]] ||
			printf -v quoted %q "$word"
		if [[ $word == "$cur"* || $quoted == "$cur"* ]]; then
			COMPREPLY+=("$quoted")
		fi
	done <<<"$words"
}
complete -F _konstructctl konstructctl
