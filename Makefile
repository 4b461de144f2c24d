# One-line tasks. `make check` is what CI runs.
.PHONY: run test race drill simulate planted mutants check fmt rdma-vm fix-peers model peers ccxt feed-check feed-tshark fix-suites

run:    ; go run ./cmd/exchange demo
test:   ; go test ./...
race:   ; go test -race ./book/... ./consensus/... ./fix/... ./marketdata/... ./ouch/... ./cmd/...
drill:  ; go run ./cmd/exchange drill leader-kill --runs 20
simulate: ; go run ./cmd/exchange simulate --seeds 1-2000
planted: ; go test -tags planted -run Planted -v ./consensus ./cmd/exchange/simulate
mutants: ; go run ./book/mutants -n 50
fmt:    ; gofmt -w .
rdma-vm: ; bash rdmaio/verbs/guest/run.sh
FIX_PEERS_KILLS ?= 50
fix-peers: ; sh fix/peers/run.sh $(FIX_PEERS_KILLS)
model:  ; sh consensus/model/run.sh
peers:  ; go run ./cmd/exchange bench replicate --with-peers && go run ./cmd/exchange bench failover --with-peers
ccxt:   ; sh marketdata/peers/ccxt/run.sh
feed-check: ; sh marketdata/testdata/feed-check.sh 1000000
feed-tshark: ; sh marketdata/peers/tshark/run.sh
fix-suites: ; sh fix/peers/suites.sh
check:  ; bash .ci/run
