#include "yun/http/content/encoding.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>

#include "yun/base/strings.hpp"

namespace yun::http {

namespace {

constexpr int kGzipLevel = 5;
constexpr int kBrotliQuality = 4;
constexpr int kZstdLevel = 3;
constexpr std::size_t kPiece = 16 << 10;

/// "0.5" in thousandths; 1000 if it cannot be read (a strange weight is no refusal).
int parse_weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int value = text[0] == '1' ? 1000 : 0;
  if (text.size() > 1 && text[1] != '.') return 1000;
  int unit = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9' || unit == 0) return 1000;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return std::min(value, 1000);
}

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder() { ready_ = deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
  ~GzipEncoder() override { deflateEnd(&stream_); }

  bool encode(std::string_view bytes, After after, std::string& out) override {
    if (!ready_) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    const int mode = after == After::Finish ? Z_FINISH : after == After::Flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    std::array<char, kPiece> piece;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream_.avail_out = static_cast<uInt>(piece.size());
      if (deflate(&stream_, mode) == Z_STREAM_ERROR) return false;
      out.append(piece.data(), piece.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return true;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_) {
      BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kBrotliQuality);
      BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 18);
    }
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }

  bool encode(std::string_view bytes, After after, std::string& out) override {
    if (!state_) return false;
    const auto operation = after == After::Finish  ? BROTLI_OPERATION_FINISH
                           : after == After::Flush ? BROTLI_OPERATION_FLUSH
                                                   : BROTLI_OPERATION_PROCESS;
    std::size_t left = bytes.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::array<char, kPiece> piece;
    do {
      std::size_t room = piece.size();
      auto* into = reinterpret_cast<std::uint8_t*>(piece.data());
      if (!BrotliEncoderCompressStream(state_, operation, &left, &in, &room, &into, nullptr)) return false;
      out.append(piece.data(), piece.size() - room);
    } while (left > 0 || BrotliEncoderHasMoreOutput(state_));
    return true;
  }

 private:
  BrotliEncoderState* state_;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx()) {
    if (context_) {
      ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
      ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 18);  // little memory; RFC 8878 wants decoders to take 23
    }
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  bool encode(std::string_view bytes, After after, std::string& out) override {
    if (!context_) return false;
    const auto mode = after == After::Finish ? ZSTD_e_end : after == After::Flush ? ZSTD_e_flush : ZSTD_e_continue;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::array<char, kPiece> piece;
    for (;;) {
      ZSTD_outBuffer into{piece.data(), piece.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_, &into, &in, mode);
      if (ZSTD_isError(left)) return false;
      out.append(piece.data(), into.pos);
      if (mode == ZSTD_e_continue ? in.pos == in.size : left == 0) return true;
    }
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

std::string_view name(Coding coding) {
  switch (coding) {
    case Coding::Gzip: return "gzip";
    case Coding::Brotli: return "br";
    case Coding::Zstd: return "zstd";
    case Coding::Identity: break;
  }
  return "identity";
}

Coding choose_coding(std::string_view accept_encoding) {
  constexpr std::array<Coding, 4> kPreferred = {Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Identity};
  std::array<int, 4> weights = {-1, -1, -1, -1};
  int others = -1;
  for (const auto part : split(accept_encoding, ',')) {
    const auto semicolon = part.find(';');
    const auto coding = trim(part.substr(0, semicolon));
    int weight = 1000;
    if (semicolon != std::string_view::npos) {
      const auto parameter = trim(part.substr(semicolon + 1));
      if (iequals(parameter.substr(0, 2), "q=")) weight = parse_weight(parameter.substr(2));
    }
    if (coding == "*") others = weight;
    for (std::size_t i = 0; i < kPreferred.size(); ++i) {
      if (iequals(coding, name(kPreferred[i])) || (kPreferred[i] == Coding::Gzip && iequals(coding, "x-gzip"))) weights[i] = weight;
    }
  }
  Coding best = Coding::Identity;
  // Identity needs no mention, but then only wins if nothing else is taken.
  int best_weight = std::max(weights[3], 0);
  for (std::size_t i = 3; i-- > 0;) {
    const int weight = weights[i] >= 0 ? weights[i] : others;
    if (weight > 0 && weight >= best_weight) {
      best = kPreferred[i];
      best_weight = weight;
    }
  }
  return best;
}

std::unique_ptr<Encoder> Encoder::make(Coding coding) {
  switch (coding) {
    case Coding::Gzip: return std::make_unique<GzipEncoder>();
    case Coding::Brotli: return std::make_unique<BrotliEncoder>();
    case Coding::Zstd: return std::make_unique<ZstdEncoder>();
    case Coding::Identity: break;
  }
  return nullptr;
}

}  // namespace yun::http
