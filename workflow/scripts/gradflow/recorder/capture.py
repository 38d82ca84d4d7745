"""The forward passes of a model: one hook for all modules that sees the recorded layers' outputs, and leaves no trace.

The hook lies in no module: copies, pickles and averages of the model made while it records are free of it, and a module
that chooses another algorithm where it carries hooks, as a transformer layer does, chooses as without it.
"""

import warnings
import weakref
from collections.abc import Callable

import torch
from torch import nn

from gradflow.recorder.gradients import Gradients
from gradflow.recorder.layers import Watched
from gradflow.recorder.nested import tensors_in
from gradflow.recorder.passes import ForwardPass, Session, Use
from gradflow.recorder.products import products
from gradflow.recorder.scaling import forget_scale
from gradflow.recorder.tools import is_under_a_tool, refuse_output, register
from gradflow.recorder.weights import EffectiveWeight, Weight


class Capture:
    """Sees the outputs of the recorded layers in a forward pass, and hands the gradients to what gathers them.

    measured: what is measured on request of an output and a module, by name. after_forward: called after each call of
    the model that can be trained, with its inputs and its output; returns the batch size and a question, if it has one.
    """

    def __init__(
        self,
        model: nn.Module,
        watched: dict[str, Watched],
        weights: dict[str, Weight],
        gradients: Gradients,
        measured: dict[str, Callable],
        after_forward: Callable,
    ):
        self._model, self._watched, self._weights, self._gradients = model, watched, weights, gradients
        self._measured, self._after_forward = measured, after_forward
        self.order: list[str] = []  # of the layers, as the first forward pass used them
        self.products: set[str] = set()  # layers that the graph has shown to multiply, though no module was called
        self._known: set[str] = set()
        self._seen: dict[str, int] = {}  # layers of this pass that are new: their place in it
        self._forward, self._last_forward, self._called = None, ForwardPass(), set()
        self._follow: set[str] = set()  # of the products those whose outputs are hooked, pass by pass
        self._searched, self._looked_for = False, set()  # whether the graph was, and for which late layers again
        self._handle, self._session = None, Session(None)
        self._layers = True
        self._left: list = []  # hooks on tensors that outlive a step
        self._by_id: dict[int, Callable] = {}  # what is done after a module's call, by the module's identity
        self._seers = self._all_seers()

    def attach(self, layers: bool) -> None:
        """See forward passes from now on; without `layers`, the model's calls alone."""
        if self._handle is None:
            # torch.compile(model) inside the block warns of hooks on all modules; ours minds its own
            warnings.filterwarnings("ignore", "Using `torch.compile.module.` when there are global hooks")
            handle = register(_hook_of(self))
            self._handle = weakref.finalize(self, handle.remove)  # also where nobody leaves the block
            self._session = Session(self._gradients)
        self._layers = layers
        self._by_id = self._seers if layers else self._seers_between

    def detach(self) -> None:
        """See no forward pass any more; gradients of those that were seen are not caught."""
        if self._handle is not None:
            self._handle()
            self._session.gradients = None
        self._handle = None
        self._by_id = {}
        self._last_forward = ForwardPass()
        self.end_step()

    def state(self) -> dict:
        """Return what was seen of the model."""
        return {"order": self.order, "products": sorted(self.products), "follow": sorted(self._follow)}

    def restore(self, state: dict) -> None:
        """Know of the model what `state` returned."""
        self.order, self.products, self._follow = list(state["order"]), set(state["products"]), set(state["follow"])
        self._known = set(self.order)

    def end_step(self) -> None:
        """Take the hooks off tensors that are not the layers' own, such as an input that a layer returned."""
        for handle in self._left:
            handle.remove()
        self._left, self._forward = [], None

    def note_order(self) -> None:
        """Append the layers that this pass was the first to use, in the order of their use."""
        if self._seen:
            self.order += sorted(self._seen, key=self._seen.get)
            self._seen = {}

    def _all_seers(self) -> dict[int, Callable]:
        seers, computed = {}, set()
        for one in self._watched.values():
            weight = self._weights[one.name]
            if isinstance(weight, EffectiveWeight) and "parametrizations" in one.module._modules:
                key = id(one.module.parametrizations[one.parameter])
                seers[key] = self._see_parametrization(weight)
                computed.add(key)
            if one.has_output:
                seers[id(one.module)] = self._see_layer(one, weight)
        whole = self._see_model(seers.get(id(self._model)))
        self._seers_between = {key: see for key, see in seers.items() if key in computed} | {id(self._model): whole}
        return seers | {id(self._model): whole}

    def _see_layer(self, watched: Watched, weight: Weight) -> Callable:
        name, computed = watched.name, isinstance(weight, EffectiveWeight)

        def see(module: nn.Module, args: tuple, kwargs: dict, output) -> None:
            if not isinstance(output, torch.Tensor):
                return refuse_output(name, module, output)
            if not output.requires_grad:
                return None
            forward = self._forward or self._begin_forward()
            if forward is None:
                return None
            use = self._use(name, forward, output.grad_fn)
            if computed and watched.parameter in module.__dict__:  # put there anew before each call
                weight.use(module.__dict__[watched.parameter])
            if self._measured:
                self._measure(use, module, output)
            handle = output.register_hook(use)
            if output._is_view():
                self._left += _hook_base(output, use)
            if output.is_leaf or (args and output is args[0]):
                self._left.append(handle)
            return None

        return see

    def _see_parametrization(self, weight: EffectiveWeight) -> Callable:
        def see(module: nn.Module, args: tuple, kwargs: dict, output) -> None:
            if torch.is_grad_enabled() and not is_under_a_tool():
                weight.use(output)

        return see

    def _see_model(self, as_layer: Callable | None) -> Callable:
        def see(module: nn.Module, args: tuple, kwargs: dict, output) -> None:
            if as_layer is not None:
                as_layer(module, args, kwargs, output)
            if not torch.is_grad_enabled() or is_under_a_tool() or torch._C._current_graph_task_id() != -1:
                return
            forward = self._forward or ForwardPass()
            for name, weight in self._weights.items():
                if isinstance(weight, EffectiveWeight):  # of the older kind, put there before each call
                    weight.use(self._watched[name].module.__dict__.get(self._watched[name].parameter))
            if self._layers:
                self._hook_products(output, forward)
            forward.batch_size, forward.question = self._after_forward(args, kwargs, output)
            for tensor in tensors_in(output) if self._layers else ():
                if tensor.requires_grad:
                    handle = tensor.register_hook(_begin_of(self._session, forward))
                    if tensor.is_leaf:
                        self._left.append(handle)
            self._last_forward, self._forward, self._called = forward, None, set()
            self.note_order()

        return see

    def _begin_forward(self) -> ForwardPass | None:
        """Return the forward pass that a layer's use belongs to; None if a tool runs the model."""
        if is_under_a_tool():
            return None
        if torch._C._current_graph_task_id() != -1:  # a checkpoint computes again, in the backward pass
            return self._last_forward
        forget_scale()
        self._forward = ForwardPass()
        return self._forward

    def _use(self, name: str, forward: ForwardPass, node) -> Use:
        if name not in self._known:
            self._known.add(name)
            self._seen[name] = -1 if node is None else node._sequence_nr()
        self._called.add(name)
        return Use(name, forward, self._session)

    def _measure(self, use: Use, module: nn.Module, output: torch.Tensor) -> None:
        with torch.no_grad():
            use.measured = {key: measure(output.detach(), module) for key, measure in self._measured.items()}

    def _hook_products(self, output, forward: ForwardPass) -> None:
        """Hook the products whose weights are used through a function, where the graph shows them."""
        late = self._gradients.ran_without_output - self._looked_for
        wanted = (self._follow | late if self._searched else set(self._watched)) - self._called
        self._searched = True
        self._looked_for |= late
        if not wanted:
            return
        parameters = {id(p): name for name in wanted for p in self._weights[name].trained}
        for node, name, with_output in products(tensors_in(output), parameters):
            self.products.add(name)
            use = self._use(name, forward, node)
            if with_output:
                self._follow.add(name)
                node.register_prehook(_first_to(use))


def _hook_base(view: torch.Tensor, use: Use) -> list:
    """Hook what a view is a view of, too: what is done in place to the view later bypasses the view's own hook."""
    base = view._base
    if base.requires_grad and base.numel() == view.numel():
        return [base.register_hook(use)]
    return []


def _first_to(use: Use) -> Callable:
    return lambda gradients: use(gradients[0])


def _begin_of(session: Session, forward: ForwardPass) -> Callable:
    """Return a hook of the model's output, which tells of a backward pass that may meet no layer's output."""

    def begin(gradient: torch.Tensor) -> None:
        if session.gradients is not None:
            session.gradients.begin().forwards.add(forward)

    return begin


def _hook_of(capture: Capture) -> Callable:
    reference = weakref.ref(capture)

    def hook(module: nn.Module, args: tuple, kwargs: dict, output) -> None:
        found = reference()
        if found is not None:
            see = found._by_id.get(id(module))
            if see is not None:
                see(module, args, kwargs, output)

    hook._torchdynamo_disable = True
    return hook
