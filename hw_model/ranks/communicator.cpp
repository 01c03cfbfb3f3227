#include "hw_model/ranks/communicator.hpp"

#define OMPI_SKIP_MPICXX
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace heatbath::ranks {
namespace {

constexpr std::size_t most = std::size_t{1} << 30;  // bytes of a message of MPI, whose counts are int
constexpr int patience = 2000;                      // looks for a message before the processor is given away

/// piece(first, count) for bytes in pieces that MPI takes.
template <class Piece>
void in_messages(std::size_t bytes, const Piece& piece) {
  for (std::size_t first = 0; first < bytes; first += most) piece(first, static_cast<int>(std::min(most, bytes - first)));
}

}  // namespace

Communicator& Communicator::world() {
  static Communicator world;
  return world;
}

Communicator::Communicator() {
  int given = 0, rank = 0, size = 1;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  rank_ = static_cast<std::uint32_t>(rank);
  size_ = static_cast<std::uint32_t>(size);
}

void Communicator::send(std::uint32_t to, const Message& message) {
  const std::uint64_t bytes = message.bytes().size();
  MPI_Send(&bytes, 1, MPI_UINT64_T, static_cast<int>(to), 0, MPI_COMM_WORLD);
  in_messages(bytes, [&](std::size_t first, int count) {
    MPI_Send(message.bytes().data() + first, count, MPI_BYTE, static_cast<int>(to), 0, MPI_COMM_WORLD);
  });
}

Message Communicator::receive() {
  for (int looks = 0, there = 0; there == 0; ++looks) {
    MPI_Iprobe(0, 0, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
    if (there == 0 && looks > patience) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  std::uint64_t bytes = 0;
  MPI_Recv(&bytes, 1, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  std::vector<std::byte> received(bytes);
  in_messages(bytes, [&](std::size_t first, int count) {
    MPI_Recv(received.data() + first, count, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  });
  return Message(std::move(received));
}

bool Communicator::any(bool here) {
  int one = here ? 1 : 0, all = 0;
  MPI_Allreduce(&one, &all, 1, MPI_INT, MPI_LOR, MPI_COMM_WORLD);
  return all != 0;
}

std::size_t Communicator::gather_size(std::size_t own) {
  const std::uint64_t size = own;
  sizes_.assign(rank_ == 0 ? size_ : 0, 0);
  MPI_Gather(&size, 1, MPI_UINT64_T, sizes_.data(), 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  std::size_t sum = 0;
  for (const std::uint64_t part : sizes_) sum += part;
  return sum;
}

void Communicator::gather_bytes(std::span<const std::byte> own, std::span<std::byte> all) {
  if (rank_ != 0) {
    in_messages(own.size(), [&](std::size_t first, int count) {
      MPI_Send(own.data() + first, count, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
    });
    return;
  }
  std::ranges::copy(own, all.begin());
  for (std::uint32_t from = 1; from < size_; ++from) {
    all = all.subspan(sizes_[from - 1]);
    in_messages(sizes_[from], [&](std::size_t first, int count) {
      MPI_Recv(all.data() + first, count, MPI_BYTE, static_cast<int>(from), 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    });
  }
}

std::vector<std::vector<std::uint32_t>> Communicator::trade(const std::vector<std::vector<std::uint32_t>>& lists) {
  std::vector<int> out(size_), in(size_), out_at(size_ + 1, 0), in_at(size_ + 1, 0);
  for (std::uint32_t r = 0; r < size_; ++r) out[r] = static_cast<int>(lists[r].size());
  MPI_Alltoall(out.data(), 1, MPI_INT, in.data(), 1, MPI_INT, MPI_COMM_WORLD);
  for (std::uint32_t r = 0; r < size_; ++r) out_at[r + 1] = out_at[r] + out[r], in_at[r + 1] = in_at[r] + in[r];
  std::vector<std::uint32_t> sent, received(static_cast<std::size_t>(in_at[size_]));
  for (const auto& list : lists) sent.insert(sent.end(), list.begin(), list.end());
  MPI_Alltoallv(sent.data(), out.data(), out_at.data(), MPI_UINT32_T, received.data(), in.data(), in_at.data(),
                MPI_UINT32_T, MPI_COMM_WORLD);
  std::vector<std::vector<std::uint32_t>> back;
  for (std::uint32_t r = 0; r < size_; ++r) back.emplace_back(received.begin() + in_at[r], received.begin() + in_at[r + 1]);
  return back;
}

void Communicator::end() {
  int ended = 0;
  MPI_Finalized(&ended);
  if (ended == 0) MPI_Finalize();
}

void Communicator::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::abort();
}

}  // namespace heatbath::ranks
