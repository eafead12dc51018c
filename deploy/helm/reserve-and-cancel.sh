# Offers a thing, reserves it, cancels, and looks whether the town agrees. TOWN is its address; SELLER and BUYER, where sign-in is on,
# are the tokens of two people: nobody can reserve what is their own.
id="helm-test-$(cat /proc/sys/kernel/random/uuid)"
ask() {
  token=$1
  shift
  curl -sS --fail-with-body --max-time 10 --retry 5 --retry-connrefused ${token:+-H "Authorization: Bearer $token"} -H 'Content-Type: application/json' "$@"
  echo
}
ask "${SELLER:-}" -X POST "$TOWN/inventories" -d "{\"id\":\"$id\",\"productid\":\"$id\",\"productname\":\"helm test\",\"qty\":1,\"price\":1000}"
ask "${BUYER:-}" -X POST "$TOWN/reserves" -d "{\"id\":\"$id\",\"productid\":\"$id\",\"userid\":\"helm-test\",\"productname\":\"helm test\",\"qty\":1,\"price\":1000,\"reserveDt\":\"2099-01-01\",\"address\":\"helm test\"}"
ask "${BUYER:-}" -X PUT "$TOWN/reserves/$id/reservecancel"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  said=$(ask "${BUYER:-}" "$TOWN/reserves/$id")
  case $said in *'"CANCELLED"'*) ask "${SELLER:-}" -X PUT "$TOWN/inventories/$id/withdraw"; echo "reserved and cancelled"; exit 0 ;; esac
  sleep 1
done
echo "reservation $id was not cancelled within 10 s; the town says: $said"
exit 1
