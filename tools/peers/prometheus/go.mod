module yun/tools/peers/prometheus

go 1.24.6

require github.com/prometheus/prometheus v0.307.3
