#!/bin/busybox sh
# The guest's first process: brings up Soft-RoCE, runs the commands and tells their status. run.sh fills in the paths.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/tmp TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
for m in /lib/modules/*.ko; do insmod "$m" || echo "guest: not loaded: $m"; done
for word in $(cat /proc/cmdline); do case $word in guest=*) export GUEST=${word#guest=} ;; guests=*) export GUESTS=${word#guests=} ;; esac; done
ip=@IP@ rdma=@RDMA@
$ip link set lo up
if [ "$GUESTS" -gt 1 ]; then
	net=eth0
	$ip link set eth0 mtu 1500
else
	# busybox's own ip cannot make such a pair, and a dummy interface is refused by Soft-RoCE
	net=veth0
	$ip link add veth0 type veth peer name veth1
	$ip link set veth1 up
fi
$ip addr add "10.0.0.$GUEST/24" dev $net
$ip link set $net up
$rdma link add rxe0 type rxe netdev $net
tries=0
until $rdma link show | grep -q 'state ACTIVE'; do
	tries=$((tries + 1))
	if [ $tries -gt 100 ]; then
		$rdma link show
		echo "guest: Soft-RoCE does not come up"
		echo "GUEST-STATUS 5"
		poweroff -f
	fi
	sleep 0.1
done
ulimit -l unlimited
cd /tmp
status=0
for command in /commands/*; do
	sh "$command" </dev/null
	status=$?
	[ $status = 0 ] || { echo "guest: status $status of: $(cat "$command")"; break; }
done
dmesg | grep -E 'BUG|WARNING|Oops|rcu.*stall' | head -5
echo
echo "GUEST-STATUS $status"
poweroff -f
