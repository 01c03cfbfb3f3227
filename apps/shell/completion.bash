# Completion of heatbath in bash, and by bashcompinit in zsh: what `heatbath … --help` lists at that point.
_heatbath() {
  local current=${COMP_WORDS[COMP_CWORD]} help word
  local -a words=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == [a-z]* ]] || break
    words+=("$word")
  done
  COMPREPLY=()
  help=$("${COMP_WORDS[0]}" "${words[@]}" --help 2>/dev/null) || return 0
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(grep -oE '(^  |,)--?[a-z][a-z-]*' <<<"$help" | tr -d ' ,')" -- "$current")
  elif [[ ${#words[@]} -eq $((COMP_CWORD - 1)) ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p' <<<"$help")" -- "$current")
  fi
  return 0
}
complete -o default -F _heatbath heatbath
