"""halo_study.py [CELLS_OF_A_SIDE]: bytes of float32 states that the busiest rank receives a step and lane when a graph is cut into
contiguous ranges of whole groups of 64 cells, in the order of its numbers and in reverse Cuthill-McKee order.

Graphs: a torus, the same with shuffled numbers, and a random graph of two couplers a cell. Prints a Markdown table."""
import bisect
import random
import sys

GROUP = 64


def neighbours(cells, couplers):
    lists = [set() for _ in range(cells)]
    for i, j in couplers:
        if i != j:
            lists[i].add(j)
            lists[j].add(i)
    return lists


def breadth_first(lists, start, seen):
    """Cells that `start` reaches, those of few neighbours first; they are marked in `seen`."""
    order = [start]
    seen[start] = 1
    for cell in order:
        for other in sorted((o for o in lists[cell] if not seen[o]), key=lambda o: len(lists[o])):
            seen[other] = 1
            order.append(other)
    return order


def reverse_cuthill_mckee(lists):
    """The new number of each cell (Cuthill and McKee 1969, reversed; each part begins at a far end)."""
    seen, order = bytearray(len(lists)), []
    for start in sorted(range(len(lists)), key=lambda c: len(lists[c])):
        if not seen[start]:
            far = breadth_first(lists, start, bytearray(seen))[-1]
            order += breadth_first(lists, far, seen)
    numbers = [0] * len(lists)
    for number, cell in enumerate(reversed(order)):
        numbers[cell] = number
    return numbers


def halo_bytes(lists, numbers, ranks):
    groups = -(-len(lists) // GROUP)
    firsts = [GROUP * (groups * rank // ranks) for rank in range(ranks)]
    owner = [bisect.bisect_right(firsts, number) - 1 for number in numbers]
    wanted = [set() for _ in range(ranks)]
    for cell, others in enumerate(lists):
        wanted[owner[cell]].update(other for other in others if owner[other] != owner[cell])
    return 4 * max(map(len, wanted))


def main():
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    cells = side * side
    draw = random.Random(1)
    torus = [(cell, other) for cell in range(cells)
             for other in (cell - cell % side + (cell + 1) % side, (cell + side) % cells)]
    shuffled = list(range(cells))
    draw.shuffle(shuffled)
    graphs = {
        "torus": torus,
        "torus, numbers shuffled": [(shuffled[i], shuffled[j]) for i, j in torus],
        "random, two couplers a cell": [(draw.randrange(cells), draw.randrange(cells)) for _ in range(2 * cells)],
    }
    print(f"| {cells} cells | ranks | as numbered | reverse Cuthill-McKee |\n|---|---|---|---|")
    for name, couplers in graphs.items():
        lists = neighbours(cells, couplers)
        better = reverse_cuthill_mckee(lists)
        for ranks in (2, 4):
            print(f"| {name} | {ranks} | {halo_bytes(lists, range(cells), ranks)} | {halo_bytes(lists, better, ranks)} |", flush=True)


if __name__ == "__main__":
    main()
