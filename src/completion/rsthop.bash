# Completion of rsthop(1) for bash.

_rsthop()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words i
	local common='--json --color --help -o -i -4 -6 -n -q -v -h'

	COMPREPLY=()
	# --color=al comes as three words.
	if [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $cur == = ]]; then
		cur=
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen \
		    -W 'locate trace analyze watch help --help --version' -- "$cur")
		return
	fi
	# Behind the -- of --exec stands a command of its own.
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [[ $command == locate && ${COMP_WORDS[i]} == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
			return
		fi
	done
	case $prev in
	-o | --payload-file | --client-capture | --server-capture | --ring | \
	    --from | --dialogue | --defaults-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-i)
		mapfile -t COMPREPLY < <(compgen \
		    -W "$(command ls /sys/class/net 2>/dev/null)" -- "$cur")
		return
		;;
	--color)
		words='auto always never'
		;;
	--ssl-mode)
		words='disabled'
		;;
	*)
		case $command in
		help) words='locate trace analyze watch help' ;;
		trace) words="--max-hops --source-port --rate $common" ;;
		locate)
			words="--payload --payload-hex --payload-file --control"
			words+=' --http-host --tls-sni --mysql-use --mysql-query'
			words+=' --from --exec --dialogue --user --defaults-file'
			words+=' --ssl-mode --attach'
			words+=' --rst-ttl --server-ttl --confidence'
			words+=' --max-connections --max-time --cooldown --rate'
			words+=" --max-hops --source-port --port-sweep"
			words+=" $common"
			;;
		analyze)
			words='--json --jsonl --client-capture --server-capture'
			words+=' --max-flows --color --help -o -n -q -v -h'
			;;
		watch)
			words='--json --jsonl --count --duration --rotate'
			words+=' --ring --ring-size --max-flows --color --help'
			words+=' -i -o -n -q -v -h'
			;;
		*) return ;;
		esac
		# What is no option is a word of a filter.
		if [[ $command == watch && $cur != -* ]]; then
			return
		fi
		if [[ $command == analyze && $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
		# What is no option is a host.
		if [[ $command != help && $cur != -* ]]; then
			mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
			return
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _rsthop rsthop
