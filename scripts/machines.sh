# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# To be sourced by scripts that need several machines: each is a network namespace with a link of its own to one
# bridge. Machine K has the address 10.77.0.(K + 1).
machines_id=nz$$

# Makes the bridge; fails without the privileges for it.
make_bridge() {
  ip netns add "$machines_id-net" 2>/dev/null && ip -n "$machines_id-net" link add bridge type bridge 2>/dev/null
}

make_machines() {  # COUNT, after make_bridge
  local count=$1 machine
  ip -n "$machines_id-net" link set bridge up
  for ((machine = 0; machine < count; ++machine)); do
    ip netns add "$machines_id-$machine"
    ip -n "$machines_id-$machine" link set lo up
    ip -n "$machines_id-$machine" link add link0 type veth peer name "port$machine" netns "$machines_id-net"
    ip -n "$machines_id-$machine" addr add "10.77.0.$((machine + 1))/24" dev link0
    ip -n "$machines_id-$machine" link set link0 up
    ip -n "$machines_id-net" link set "port$machine" master bridge up
  done
}

remove_machines() {  # COUNT
  local machine
  for machine in $(seq 0 $(($1 - 1))) net; do ip netns del "$machines_id-$machine" 2>/dev/null || true; done
}

# on MACHINE COMMAND...: in place of this shell
on() {
  local machine=$1
  shift
  exec ip netns exec "$machines_id-$machine" "$@"
}
