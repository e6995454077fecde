# shellcheck shell=sh
# Sourced by the scripts beside it: .venv, made and kept as a lock file says. POSIX sh.
#
# The caller sets root (the clone). Files in .venv that are ours:
#   synced.lock, synced-dev.lock   copies of the lock files that were installed, written last
#   syncing                        stands while .venv is incomplete; names the process at work
#   lock                           a symbolic link whose text names the process that may write
#   sync.log                       what the last venv or installer said

RANGE='>=3.11,<3.15' # the Pythons that the lock files were made for; see also PROBE
venv=${root:?}/.venv
python=$venv/bin/python
tools='' uv='' base='' version='' seen=''

# Prints: version, whether it fits, whether it can make a venv with pip, the base interpreter.
# The base by its versioned name: after an upgrade of the system the link is broken, not wrong.
PROBE='
import os, sys
try:
    import ensurepip, venv
    pip = "pip"
except ImportError:
    pip = "bare"
fits = "fits" if (3, 11) <= sys.version_info[:2] <= (3, 14) else "other"
base = getattr(sys, "_base_executable", None) or sys.executable
named = os.path.join(os.path.dirname(base), "python%d.%d" % sys.version_info[:2])
named = named if os.access(named, os.X_OK) else base
print("%d.%d.%d" % sys.version_info[:3], fits, pip, named)
'

say() { printf 'alfred-dev: %s\n' "$*" >&2; }

fail() { # WHAT FIX: ends the script with 3, the exit code for what the machine lacks
  say "$1"
  printf '  fix: %s\n' "$2" >&2
  exit 3
}

synced() { # LOCK
  [ -x "$python" ] && cmp -s "$root/$1" "$venv/synced${1#requirements}"
}

synchronise() { # LOCK: have .venv hold what it lists; one at a time
  if synced "$1"; then return; fi
  [ -x "$python" ] || find_tools # ends here, with nothing written, when there is no way
  take_lock
  trap 'rm -f "$venv/lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  synced "$1" || update "$1" # another one may just have done it
  rm -f "$venv/lock"
  trap - EXIT INT TERM HUP
}

update() { # LOCK
  wait_for_worker
  if [ -e "$venv/syncing" ]; then
    make_venv 'an earlier run did not finish: '
  elif [ ! -e "$venv/pyvenv.cfg" ]; then
    make_venv ''
  elif ! usable; then
    make_venv "$reason: "
  elif [ -e "$venv/synced${1#requirements}" ]; then
    say "$1 changed: updating .venv"
  else
    say "installing $1 into .venv"
  fi
  install "$1"
  finish "$1"
}

usable() { # whether .venv has a Python that runs, its libraries, and an installer; else reason
  reason='its Python does not work any more'
  probe "$python" && [ "$fits" = fits ] && [ -d "$venv/lib/python${version%.*}" ] || return 1
  reason='it has no pip, and there is no uv any more'
  find_uv
  [ -n "$uv" ] || "$python" -I -m pip --version >/dev/null 2>&1
}

make_venv() { # REASON
  [ -n "$tools" ] || find_tools
  say "$1making .venv with $tools (once)"
  find "$venv/" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
  if [ -n "$uv" ]; then
    run "$uv" venv --quiet --allow-existing --python "${base:-$RANGE}" "$venv"
  else
    run "$base" -I -m venv "$venv"
  fi || no_success ".venv could not be made" "see above; then type the same command again"
}

install() { # LOCK
  # Wheels only: nothing is compiled, and every file is checked against its hash.
  set -- "$1" --quiet --only-binary :all: --require-hashes --requirement "$root/$1"
  lock=$1
  shift
  find_uv
  if [ -n "$uv" ]; then
    run "$uv" pip install --compile-bytecode --python "$python" "$@"
  else
    run "$python" -I -m pip install --no-input --disable-pip-version-check "$@"
  fi && return
  # Ended by itself, every package is whole: what is there may stay. Killed, it may not.
  [ "$status" -gt 128 ] || rm -f "$venv/syncing"
  fix='check the network (proxy: export HTTPS_PROXY=http://HOST:PORT), then type the same command again'
  if grep -qi -e '--require-hashes' -e 'hash mismatch' -e 'do not match the hash' "$venv/sync.log"; then
    fix="the package index answers what $lock does not name: git pull, or ask an index of its originals"
  fi
  no_success "the packages of $lock could not be installed" "$fix"
}

run() { # COMMAND...: its output goes to the log; it is named in .venv/syncing as long as it runs
  # shellcheck disable=SC2016 # expanded by the inner shell, whose process the command becomes
  root=$root sh -c '
    . "$root/scripts/environment.sh"
    identify $$ >"$venv/syncing"
    unset PIP_USER PIP_TARGET PIP_PREFIX PYTHONHOME VIRTUAL_ENV
    exec "$@"' sh "$@" >"$venv/sync.log" 2>&1 </dev/null
  status=$?
  return "$status"
}

no_success() { # WHAT FIX
  say "$1:"
  grep -v '^WARNING: ' "$venv/sync.log" | tail -n 5 | sed 's/^/  | /' >&2
  printf '  fix: %s\n' "$2" >&2
  exit 3
}

finish() { # LOCK: our own code on Python's path, the command in an activated .venv, the stamps
  for site in "$venv"/lib/python3.*/site-packages; do
    echo ../../../.. >"$site/alfred_dev.pth" # the clone, relative: it may be moved
  done
  ln -sf ../../scripts/alfred-dev "$venv/bin/alfred-dev"
  # Else twenty services would each compile the same files at the first start. Where nothing may be
  # written they do.
  "$python" -I -m compileall -q "$root/alfred_dev" || true
  rm -f "$venv/syncing" "$venv"/synced*.lock
  [ "$1" = requirements.lock ] || stamp "$1"
  stamp requirements.lock # whatever was installed holds the packages of this one
}

stamp() { # LOCK
  if cp "$root/$1" "$venv/stamp.new" && mv "$venv/stamp.new" "$venv/synced${1#requirements}"; then
    return
  fi
  fail '.venv cannot be written' 'free some space on its disk, then type the same command again'
}

# --- one at a time ---------------------------------------------------------------------------

identify() { # PID -> "PID START", which no other process ever is; nothing when it does not run
  if [ -d /proc/self ]; then
    read -r stat 2>/dev/null <"/proc/$1/stat" || return
    # shellcheck disable=SC2086 # to be split; the name before it may hold spaces and parentheses
    set -- "$1" ${stat##*) }
    [ "$2" = Z ] || echo "$1 ${21}"
  else
    LC_ALL=C TZ=UTC0 ps -o stat= -o lstart= -p "$1" | sed -n "/^Z/!s/^[^ ]* */$1 /p"
  fi
}

runs() { # "PID START"
  [ -n "$1" ] && [ "$(identify "${1%% *}")" = "$1" ]
}

take_lock() {
  mkdir -p "$venv" || fail "$root cannot be written" "make it writable, or use a clone of your own"
  me=$(identify $$) told='' tries=0
  # A symbolic link appears at once and complete, so no lock is ever without its holder's name.
  until ln -s "$me" "$venv/lock" 2>/dev/null; do
    holder=$(readlink "$venv/lock")
    if [ -z "$holder" ]; then # given back this moment; or it can never be taken
      tries=$((tries + 1))
      [ "$tries" -lt 50 ] || fail "$venv cannot be written" "make it writable, or remove it"
    elif runs "$holder"; then
      [ -n "$told" ] || say "waiting for process ${holder%% *}, which is making .venv"
      told=yes
    elif [ "$(readlink "$venv/lock")" = "$holder" ]; then
      take_over
      return
    fi
    sleep 0.1
  done
}

take_over() { # The lock's holder was killed. Of several that come here the last to write has it.
  ln -s "$me" "$venv/lock.$$" && mv -f "$venv/lock.$$" "$venv/lock"
  sleep 0.3
  [ "$(readlink "$venv/lock")" = "$me" ] || take_lock
}

wait_for_worker() { # A killed script leaves its installer at work, which nobody must disturb.
  told=''
  while [ -s "$venv/syncing" ] && runs "$(cat "$venv/syncing")"; do
    [ -n "$told" ] || say "waiting for an installer that outlived its script"
    told=yes
    sleep 0.1
  done
}

# --- what this machine has -------------------------------------------------------------------

probe() { # PYTHON -> version, fits, pip, base_found; false when it does not run
  answer=$("$1" -I -c "$PROBE" 2>/dev/null) || return 1
  read -r version fits pip base_found <<-END
	$answer
	END
}

find_uv() {
  uv=$(command -v uv) || { [ -x "${HOME:-}/.local/bin/uv" ] && uv=$HOME/.local/bin/uv; } || uv=''
}

find_tools() { # sets uv, base, and tools for people; ends the script when there is no way
  find_uv
  bare=''
  for name in python3 python3.13 python3.12 python3.14 python3.11; do
    path=$(command -v "$name") || continue
    is_real "$path" || continue
    probe "$path" || continue # a shim of a version manager, say
    if [ "$fits" = other ]; then
      seen="$seen${seen:+, }Python $version ($path)"
    elif [ "$pip" = pip ] || [ -n "$uv" ]; then
      base=$base_found tools="Python $version"
      return
    else
      bare=${bare:-$version $base_found}
    fi
  done
  if [ -n "$uv" ]; then
    tools='a Python that uv finds or fetches'
    return
  fi
  [ -z "$bare" ] || fail "Python ${bare%% *} (${bare#* }) has no venv module" "$(get_venv "$bare")"
  fail "needs Python 3.11 to 3.14, or uv; found ${seen:-neither}" "$(get_python)"
}

is_real() { # Without its developer tools macOS has a python3 that only asks to install them.
  [ "$1" != /usr/bin/python3 ] || [ "$(uname -s)" != Darwin ]
}

get_venv() { # "VERSION PATH" -> the command that brings venv
  minor=${1%% *}
  case "$(command -v apt-get):${1#* }" in
    ?*:/usr/bin/*) echo "$(as_root)apt install python${minor%.*}-venv" ;;
    *) get_uv ;;
  esac
}

get_python() { # -> the command that brings a Python
  if [ "$(uname -s)" = Darwin ] && command -v brew >/dev/null; then
    echo 'brew install python@3.13'
  elif command -v apt-cache >/dev/null; then
    for minor in 3.13 3.12 3.14 3.11; do
      apt-cache show "python$minor-venv" >/dev/null 2>&1 || continue
      echo "$(as_root)apt install python$minor-venv"
      return
    done
    get_uv
  elif command -v dnf >/dev/null; then
    echo "$(as_root)dnf install python3${seen:+.12}"
  else
    get_uv
  fi
}

as_root() { [ "$(id -u)" = 0 ] || echo 'sudo '; }

get_uv() { echo 'curl -LsSf https://astral.sh/uv/install.sh | sh'; }
