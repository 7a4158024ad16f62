# SPDX-License-Identifier: ISC
# Completion for bash; konstructctl itself knows its words.

_konstructctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} words
	local IFS=$'\n'

	words=$(konstructctl --complete "${COMP_WORDS[@]:1:COMP_CWORD}" \
		2>/dev/null)
	if [ "$words" = FILE ]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
	else
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
	fi
}
complete -F _konstructctl konstructctl
