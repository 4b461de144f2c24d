#!/usr/bin/env bash
# Runs programs against real libibverbs on a machine without an RDMA card: boots a Debian kernel with Soft-RoCE under qemu, runs
# the commands in it one after the other until one fails, prints what the guest prints, and ends with its status.
#
#   run.sh [-f FILE]... [-g N] [-m MIB] [-t SECONDS] 'COMMAND' ['COMMAND']...
#
#   -f FILE   bring this program (with its libraries) into the guest, as /bin/NAME; may be given again
#   -g N      boot N guests on one virtual network, 10.0.0.1 to 10.0.0.N; every guest runs all the commands, with $GUEST set to
#             its number. Guest 1's status is the result. A guest that prints the line POWER-CUT k has guest k's qemu killed, as
#             by a loss of power. Files that a guest writes are not seen by the others.
#   -m MIB    memory of each guest (1024)
#   -t S      seconds after which everything is stopped and called failed (600)
#
# Without -f and COMMAND the provider's tests are built from this tree and run: first in one guest, then across two.
#
# In the guest: root, /bin/sh of busybox, an RDMA device rxe0 with address 10.0.0.GUEST, a loopback interface, an empty /tmp.
#
# Status: that of the failed command, 0 if none failed; 4 SKIPPED: what is needed to boot cannot be had here; 5: the guest did
# not come to an end.
#
# The guest's processors are emulated (TCG), so that it boots anywhere: timings in it say nothing about cards.
# Kernel and modules are kept in $EXCHANGE_GUEST_CACHE, or else ${XDG_CACHE_HOME:-$HOME/.cache}/exchange/guest. qemu and the RDMA
# libraries are taken from the system, and installed by apt-get where they are missing and we are root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${EXCHANGE_GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/exchange/guest}
programs=() guests=1 memory=1024 limit=600
while getopts f:g:m:t: option; do
	case $option in
	f) programs+=("$OPTARG") ;;
	g) guests=$OPTARG ;;
	m) memory=$OPTARG ;;
	t) limit=$OPTARG ;;
	*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))

skip() { printf '\n*** SKIPPED: nothing was run on libibverbs: %s ***\n\n' "$*" >&2; exit 4; }

work=$(mktemp -d "${TMPDIR:-/tmp}/exchange-guest.XXXXXX")
running=()
finish() {
	local p
	for p in "${running[@]}"; do kill -9 "$p" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 5' INT TERM

# 1. What the system must have.
need=(qemu-system-x86_64 cpio depmod modprobe ip rdma busybox dpkg)
packages=(qemu-system-x86 seabios ipxe-qemu libibverbs-dev ibverbs-providers ibverbs-utils busybox-static cpio kmod iproute2 rdma-core)
PATH=$PATH:/sbin:/usr/sbin
rxe_library() { ls /usr/lib/*/libibverbs/librxe-rdmav*.so 2>/dev/null | head -1; }
complete() {
	local n
	for n in "${need[@]}"; do command -v "$n" >/dev/null || { echo "$n"; return 1; }; done
	[ -n "$(rxe_library)" ] || { echo "librxe, the provider library of Soft-RoCE"; return 1; }
	[ -e /usr/include/infiniband/verbs.h ] || { echo "the headers of libibverbs"; return 1; }
}
[ "$(uname -m)" = x86_64 ] || skip "the guest is an x86_64 one, this machine is $(uname -m)"
if ! missing=$(complete); then
	command -v apt-get >/dev/null || skip "$missing is missing, and there is no apt-get to get it: install ${packages[*]}"
	[ "$(id -u)" = 0 ] || skip "$missing is missing, and only root may install it: apt-get install ${packages[*]}"
	echo "guest: $missing is missing: installing packages" >&2
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$work/apt" 2>&1 ||
		{ tail -n 5 "$work/apt" >&2; skip "the packages cannot be had"; }
	missing=$(complete) || skip "$missing is missing even after installing"
fi

# 2. Kernel and the modules of Soft-RoCE, in the order of loading. Kept complete or not at all.
wanted=(crc32_generic crc32c_generic rdma_rxe rdma_ucm ib_uverbs veth virtio_net virtio_pci)
fetch_kernel() {
	local image version
	command -v apt-get >/dev/null || skip "no kernel in $cache, and no apt-get to get one"
	(
		mkdir "$work/kernel" && cd "$work/kernel"
		find_image() { apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends:/{print $2; exit}'; }
		image=$(find_image)
		if [ -z "$image" ] || ! apt-get download -qq "$image" >/dev/null 2>&1; then # the lists may be old, or absent
			apt-get update -qq >/dev/null 2>&1 || true
			image=$(find_image)
			[ -n "$image" ] && apt-get download -qq "$image" >/dev/null
		fi
	) || skip "the kernel package cannot be had"
	(
		cd "$work/kernel"
		dpkg -x linux-image-*.deb tree
		version=$(ls tree/lib/modules)
		depmod -b "$PWD/tree" "$version"
		mkdir -p done/modules
		for m in "${wanted[@]}"; do modprobe -d "$PWD/tree" -S "$version" --show-depends "$m"; done |
			awk '/^insmod/ && !seen[$2]++ {print $2}' >list
		n=0
		while read -r f; do
			n=$((n + 1))
			cp "$f" "done/modules/$(printf %02d $n)-$(basename "$f")"
		done <list
		cp "tree/boot/vmlinuz-$version" done/vmlinuz
		cp "tree/boot/config-$version" done/config
		echo "$version" >done/version
	)
	mkdir -p "$cache"
	mv -T "$work/kernel/done" "$cache/kernel" 2>/dev/null || [ -e "$cache/kernel/version" ] # another run was first
	rm -rf "$work/kernel"
}
[ -e "$cache/kernel/version" ] || fetch_kernel

# 3. The programs. Without any, the provider's own tests.
own=
if [ ${#programs[@]} = 0 ] && [ $# = 0 ]; then
	own=yes
	(cd "$here/../../.." && go test -c -tags verbs -o "$work/verbs.test" ./rdmaio/verbs)
	programs=("$work/verbs.test")
	set -- "verbs.test -test.v=$([ -n "${VERBOSE:-}" ] && echo true || echo false) -test.timeout 540s"
fi
[ $# -gt 0 ] || { echo "guest: no command: say what is to be run in it" >&2; exit 2; }

# 4. The initial file system, the same for all guests.
root=$work/root
mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,etc/libibverbs.d,lib/modules}
cp -L "$(command -v busybox)" "$root/bin/busybox"
bring() { # a file and the libraries it asks for, to the same places
	local l
	mkdir -p "$root$(dirname "$1")"
	cp -L "$1" "$root$1"
	for l in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname "$l")"
		[ -e "$root$l" ] || cp -L "$l" "$root$l"
	done
}
bring "$(readlink -f "$(command -v ip)")"
bring "$(readlink -f "$(command -v rdma)")"
ip_path=$(readlink -f "$(command -v ip)") rdma_path=$(readlink -f "$(command -v rdma)")
bring "$(rxe_library)"
cp /etc/libibverbs.d/rxe.driver "$root/etc/libibverbs.d/"
for p in "${programs[@]}"; do
	cp -L "$p" "$root/bin/$(basename "$p")"
	for l in $(ldd "$p" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname "$l")"
		[ -e "$root$l" ] || cp -L "$l" "$root$l"
	done
done
cp "$cache"/kernel/modules/* "$root/lib/modules/"
sed -e "s|@IP@|$ip_path|" -e "s|@RDMA@|$rdma_path|" "$here/init.sh" >"$root/init"
chmod 755 "$root/init"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
mkdir "$root/commands"
n=10
for c in "$@"; do
	printf '%s\n' "$c" >"$root/commands/$n"
	n=$((n + 1))
done
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd"

# 5. Boot. The console carries everything; its last line of ours is the status.
boot() { # guest number
	local network=()
	if [ "$guests" -gt 1 ]; then
		network=(-netdev "socket,id=lan,mcast=230.0.0.1:$mcast,localaddr=127.0.0.1" -device "virtio-net-pci,netdev=lan,romfile=,mac=52:54:00:10:00:0$1")
	else
		network=(-nic none)
	fi
	exec qemu-system-x86_64 -accel tcg,thread=multi -cpu "$cpu" -smp 2 -m "$memory" -display none -serial stdio -monitor none -no-reboot "${network[@]}" \
		-kernel "$cache/kernel/vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyS0 quiet panic=-1 preempt=voluntary guest=$1 guests=$guests" </dev/null >"$work/console$1" 2>&1
}
# Without erms the kernel copies word by word. With it, it copies by one instruction that moves bytes, which processors do by whole
# lines but the emulator one by one: words would be torn as no machine tears them.
cpu=max,erms=off,fsrm=off
mcast=$((20000 + RANDOM % 20000))
for k in $(seq "$guests"); do
	boot "$k" &
	running[k]=$!
	disown
done

# 6. Show the consoles as they grow, cut the power where it is asked for, and wait for guest 1.
shown=()
cut=()
show() {
	local k size
	for k in $(seq "$guests"); do
		[ -e "$work/console$k" ] || continue
		size=$(grep -c '' "$work/console$k" || true)
		if [ "$size" -gt "${shown[k]:-0}" ]; then
			sed -n "$((${shown[k]:-0} + 1)),${size}p" "$work/console$k" | tr -d '\r' | if [ "$guests" -gt 1 ]; then sed "s/^/[$k] /"; else cat; fi
			shown[k]=$size
		fi
	done
}
began=$SECONDS
while kill -0 "${running[1]}" 2>/dev/null; do
	if [ $((SECONDS - began)) -ge "$limit" ]; then
		show
		echo "guest: stopped after $limit s without an end" >&2
		exit 5
	fi
	sleep 0.2
	show
	for k in $(cat "$work"/console* | tr -d '\r' | awk '/^POWER-CUT [0-9]+$/{print $2}' | sort -u); do
		if [ -z "${cut[k]:-}" ] && [ -n "${running[k]:-}" ]; then
			cut[k]=yes
			kill -9 "${running[k]}" && echo "guest: power of guest $k is cut"
		fi
	done
done
show
status=$(tr -d '\r' <"$work/console1" | awk '/^GUEST-STATUS [0-9]+$/{s=$2} END{print s}')
[ -n "$status" ] || { echo "guest: it ended without a status" >&2; exit 5; }
echo "guest: status $status after $((SECONDS - began)) s on kernel $(cat "$cache/kernel/version") (emulated)"
if [ -n "$own" ] && [ "$status" = 0 ]; then
	"$here/two-guests.sh" "$work/verbs.test"
fi
exit "$status"
